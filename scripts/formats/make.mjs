// Makes a report that means harm, or a large one, of one that came from a run.
//
//   node make.mjs hostile|large FROM TO
//
// Of a load report, a large one has a thousand times its slices, endpoints and points of curves.
import { readFileSync, writeFileSync } from "node:fs";

const [, , kind, from, to] = process.argv;
const report = JSON.parse(readFileSync(from, "utf8"));

// Each would show in a page that takes it for markup: by running, loading, or leaving.
const HARM = [
  "<script>window.owned=1</script>",
  "\"><img src=x onerror=\"window.owned=1\">",
  "'><svg onload=window.owned=1>",
  "</style></script></title></textarea><script>window.owned=1</script>",
  "--><script>window.owned=1</script><!--",
  "<iframe srcdoc=\"<script>parent.owned=1</script>\"></iframe>",
  "<base href=http://127.0.0.1:1/><link rel=stylesheet href=//127.0.0.1:1/x.css>",
  "<meta http-equiv=refresh content=\"0;url=http://127.0.0.1:1/\">",
  "<a href=\"javascript:window.owned=1\">x</a>",
  "[x](javascript:window.owned=1) ![x](http://127.0.0.1:1/x.png) <http://127.0.0.1:1/> @octocat #1",
  "{{ 9731 * 7 }}{% raw %}${window.owned=1}",
  "]]><x a='b'>&amp;&lt;&#0;",
  "\u202eevil\u202c\u0000\u001b[31m\u0007\ufeff\u2028\r\nok 1 - forged # SKIP\n  ...\nBail out!\n```\n</details>\n# Forged",
];
// What the model knows as words stays as it is.
const FIXED = new Set(["format", "verdict", "level", "status", "body_base64", "started_at",
  "model", "algorithm", "scope", "unit"]);

let next = 0;
const taint = (value, key) => {
  if (typeof value === "string") return FIXED.has(key) ? value : value + HARM[next++ % HARM.length];
  if (Array.isArray(value)) return value.map((item) => taint(item, key));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, taint(item, name)]));
  }
  return value;
};

const enlarge = () => {
  const pool = report.results.flatMap((it) => it.evidence);
  const rules = [];
  for (let number = 0; number < 120; number += 1) {
    const model = report.results[number % report.results.length];
    rules.push({ ...model, rule: `${model.rule}-${number}`, evidence: [] });
  }
  rules.slice(0, 100).forEach((rule, index) => {
    rule.status = "fail";
    rule.evidence = Array.from({ length: 20 }, (_, number) => pool[(index * 20 + number) % pool.length]);
  });
  const counts = Object.fromEntries(Object.keys(report.summary).map((status) =>
    [status, rules.filter((rule) => rule.status === status).length]));
  return { ...report, results: rules, summary: counts };
};

const many = (list) => Array.from({ length: 1000 }, (_, turn) =>
  list.map((it) => ("at_s" in it ? { ...it, histograms: {}, at_s: it.at_s + turn * 60 } : it))).flat();
const enlargeLoad = () => ({ ...report, slices: many(report.slices), curve: many(report.curve),
  endpoints: many(report.endpoints ?? []), notes: Array(5000).fill("a note") });

const large = report.format === "acp-tck/load" ? enlargeLoad : enlarge;
writeFileSync(to, JSON.stringify(kind === "hostile" ? taint(report) : large()));
