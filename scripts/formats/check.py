"""Reads what is JSON or XML: by schema, and by the parsers that others use."""

import json
import pathlib
import subprocess
import sys

import jsonschema
import junitparser
from lxml import etree
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

reports = pathlib.Path(sys.argv[1])
fixtures = pathlib.Path("fixtures/reports")
KINDS = [path.name.removesuffix(".html") for path in sorted(reports.glob("*.html"))]


def read(kind: str, suffix: str) -> dict:
    return json.loads((reports / f"{kind}.{suffix}").read_text())


def validator(name: str) -> jsonschema.protocols.Validator:
    schema = json.loads((fixtures / name).read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


report_schema = validator("check.schema.json")
sarif_schema = validator("sarif-2.1.0.schema.json")
junit_schema = etree.XMLSchema(etree.parse(fixtures / "junit-10.xsd"))

for kind in KINDS:
    report = read(kind, "json")
    report_schema.validate(report)
    summary = report["summary"]

    junit_schema.assertValid(etree.parse(reports / f"{kind}.xml"))
    suites = junitparser.JUnitXml.fromfile(str(reports / f"{kind}.xml"))
    cases = [case for suite in suites for case in suite]
    failed = [case for case in cases if any(isinstance(it, (junitparser.Failure, junitparser.Error)) for it in case.result)]
    assert bool(failed) == (report["verdict"] != "pass"), kind
    assert len(cases) >= len(report["results"]), kind

    sarif = read(kind, "sarif")
    sarif_schema.validate(sarif)
    results = sarif["runs"][0]["results"]
    scored = [it for it in results if it["properties"].get("scored", True)]
    wrong = [it for it in scored if it["kind"] == "fail" and not it.get("suppressions")]
    assert len(wrong) == summary["fail"] + summary["warn"], kind
    for result in results:
        # What GitHub's code scanning asks for.
        place = result["locations"][0]["physicalLocation"]
        assert "://" not in place["artifactLocation"]["uri"] and place["region"]["startLine"] == 1

    svg = etree.parse(reports / f"{kind}.svg").getroot()
    title = svg.find("{http://www.w3.org/2000/svg}title").text
    shields = read(kind, "shields.json")
    assert set(shields) == {"schemaVersion", "label", "message", "color", "isError"}
    assert title == f"{shields['label']}: {shields['message']}", kind
print("checked: JSON by its schema, JUnit by the XSD of Jenkins and by junitparser, SARIF by OASIS's schema")
print("checked: the badge as XML, and against the endpoint")

# Load reports stand beside the pages that are made of them.
load_schema = validator("load.schema.json")
loads = [json.loads(path.read_text()) for path in sorted((reports / "pages").glob("load*.json"))]
assert loads, "no load report was written"
for load in loads:
    load_schema.validate(load)
print(f"checked: {len(loads)} load reports, by their schema")

# What Prometheus's own library makes of the metrics: the agent's, and those of a load.
for name, parse in [
    ("agent.prom", read_prometheus),
    ("agent.openmetrics", read_openmetrics),
    ("load.prom", read_prometheus),
]:
    families = list(parse((reports / name).read_text()))
    names = [it.name for it in families]
    assert families and len(set(names)) == len(names), (name, names)
    for family in families:
        assert family.documentation and family.type != "unknown", (name, family)
        assert family.samples, (name, family.name)
print("checked: metrics, by prometheus_client, as Prometheus text and as OpenMetrics")

# sarif-tools: what people use to read SARIF on a command line.
for kind in KINDS:
    told = subprocess.run(
        [pathlib.Path(sys.executable).with_name("sarif"), "summary", reports / f"{kind}.sarif"],
        capture_output=True, text=True, check=True,
    ).stdout
    errors = read(kind, "json")["results"]
    musts = sum(it["status"] in ("fail", "expected") and it["level"] == "must" for it in errors)
    assert f"error: {musts}\n" in told, (kind, told)
print("checked: SARIF, by sarif-tools")
