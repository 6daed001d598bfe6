"""Reads a certificate as others do: DSSE by securesystemslib, in-toto by its own package."""

import copy
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

reports = pathlib.Path(sys.argv[1])
text = (reports / "clean.certificate.json").read_text()
pem = (reports / "certificate.pub").read_bytes()
named = json.loads(text)["signatures"][0]["keyid"]
key = SSlibKey.from_crypto(load_pem_public_key(pem), keyid=named)

envelope = Envelope.from_dict(json.loads(text))
assert envelope.payload_type == "application/vnd.in-toto+json"
assert envelope.verify([key], 1)
altered = copy.deepcopy(envelope)
altered.payload = altered.payload.replace(b'"core"', b'"none"', 1)
try:
    altered.verify([key], 1)
except VerificationError:
    pass
else:
    raise AssertionError("an altered payload passes")
print("checked: the certificate's DSSE envelope, by securesystemslib")

statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
Statement.copy_from_pb(statement).validate()
said = json.loads(envelope.payload)
report = (reports / "clean.json").read_bytes()
assert said["predicate"]["report"]["digest"]["sha256"] == hashlib.sha256(report).hexdigest()
assert said["predicate"]["summary"] == json.loads(report)["summary"]
subject = said["subject"][0]
names = {"name": subject["name"], "uri": subject["uri"], "version": subject["annotations"]["version"]}
canonical = json.dumps(names, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
assert subject["digest"]["sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
print("checked: the certificate's statement, by in-toto-attestation; its digests, by hashlib")
