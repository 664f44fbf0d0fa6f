"""Lets schemathesis write and read NDJSON: a document a line, a result a line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write_lines(_, value):
    return (json.dumps(value) + "\n").encode()


@schemathesis.deserializer("application/x-ndjson")
def read_first_line(_, response):
    return json.loads(response.content.splitlines()[0])
