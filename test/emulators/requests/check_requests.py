#!/usr/bin/env python3
"""Checks recorded AWS requests against the service models of botocore: check_requests.py <file of JSON lines>.

Each must be an operation of its service, with all that is required, nothing unknown, and every value as the model has it:
type, length, range, pattern, enumeration. Ends with 1 and the mistakes when one is not. `.ci/check-cloud` runs it.
"""

import json
import re
import sys
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

# Services by the name that requests are signed with; both planes of AgentCore have the same.
MODELS = {
    "bedrock-agentcore": ["bedrock-agentcore", "bedrock-agentcore-control"],
    "states": ["stepfunctions"],
    "servicequotas": ["service-quotas"],
}
# What signing, the SDK and HTTP add to every request.
COMMON_HEADERS = re.compile(r"x-amz-(date|content-sha256|security-token|user-agent|target|decoded-content-length|id-2)|x-amzn-trace-id")
COMMON_QUERY = re.compile(r"X-Amz-.*|x-id")


def models(service):
    loader = Loader()
    for name in MODELS.get(service, [service]):
        yield ServiceModel(loader.load_service_model(name, "service-2"), name)


def template(uri):
    """A pattern for paths of a `requestUri`; a label with `+` takes slashes too."""
    path = uri.split("?")[0].rstrip("/")
    return re.compile(re.sub(r"\\{(\w+)(\\\+)?\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(path)) + "/?$")


def operation(request):
    """The operation of a request, and its labels; the one of the longest template, because `/{Key+}` takes anything."""
    headers, found = request["headers"], []
    for model in models(request["service"]):
        for name in model.operation_names:
            one = model.operation_model(name)
            if model.metadata["protocol"] == "query":
                if request["body"]["Action"] == name and request["body"]["Version"] == model.api_version:
                    return one, {}
            elif "x-amz-target" in headers:
                if headers["x-amz-target"] == f"{model.metadata['targetPrefix']}.{name}":
                    return one, {}
            elif one.http["method"] == request["method"]:
                path = request["path"]
                if request["service"] == "s3":
                    of_object = re.match(r"/[^/]+/.", path)
                    named = "ListObjectsV2" if request["method"] != "HEAD" else "HeadObject" if of_object else "HeadBucket"
                    if request["query"].get("x-id", named) != name:
                        continue
                if match := template(one.http["requestUri"]).match(path):
                    found.append((len(one.http["requestUri"]), one, {k: unquote(v) for k, v in match.groupdict().items()}))
    if not found:
        return None, {}
    _, one, labels = max(found, key=lambda each: each[0])
    return one, labels


def parameters(request, one, labels):
    """What the request says, by the names of the model; and what is in its query and headers that the model has not."""
    shape, headers, query = one.input_shape, dict(request["headers"]), dict(request["query"])
    if "x-amz-target" in headers:
        return request.get("body", {}), []
    if one.service_model.metadata["protocol"] == "query":
        members = {name: value for name, value in request["body"].items() if name not in ("Action", "Version")}
        numbers = {name for name, member in shape.members.items() if member.type_name == "integer"}
        return {name: int(value) if name in numbers else value for name, value in members.items()}, []
    given, unknown = {}, []
    body = dict(request.get("body") or {})
    for name, member in (shape.members if shape else {}).items():
        where, label = member.serialization.get("location"), member.serialization.get("name", name)
        source = {"uri": labels, "querystring": query, "header": headers}.get(where, body)
        key = label.lower() if where == "header" else label
        if key in source:
            value = source.pop(key)
            numeric = member.type_name in ("integer", "long") and isinstance(value, str)
            given[name] = int(value) if numeric else value
    payload = shape.serialization.get("payload") if shape else None
    if payload and payload not in given:
        is_structure = shape.members[payload].type_name == "structure"
        given[payload], body = (body, {}) if is_structure else (b"", body)
    unknown += [f"query {name}" for name in query if not COMMON_QUERY.match(name)]
    unknown += [f"header {name}" for name in headers if not COMMON_HEADERS.match(name)]
    return {**given, **body}, unknown


def constraints(shape, value, path):
    """What of a value is outside its model, beyond what ParamValidator looks at."""
    limits, kind = shape.metadata, shape.type_name
    if kind == "structure":
        for name, child in shape.members.items():
            if name in value:
                yield from constraints(child, value[name], f"{path}.{name}")
    elif kind == "list":
        for index, child in enumerate(value):
            yield from constraints(shape.member, child, f"{path}[{index}]")
    elif kind == "map":
        for key, child in value.items():
            yield from constraints(shape.key, key, f"{path} key {key}")
            yield from constraints(shape.value, child, f"{path}.{key}")
    size = value if kind in ("integer", "long", "float", "double") else len(value) if hasattr(value, "__len__") else None
    if size is not None and not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{path}: {size} is not from {limits.get('min')} to {limits.get('max')}"
    if kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value} is none of {', '.join(shape.enum)}"
        if "pattern" in limits:
            try:
                fits = re.search(f"^(?:{limits['pattern']})$", value)
            except re.error:
                fits = True  # Some patterns are Java's alone.
            if not fits:
                yield f"{path}: {value[:200]} does not match {limits['pattern']}"


def mistakes(request):
    one, labels = operation(request)
    if one is None:
        target = request["headers"].get("x-amz-target", request["path"])
        return None, [f"no operation of {request['service']} is {request['method']} {target}"]
    given, unknown = parameters(request, one, labels)
    report = ParamValidator().validate(given, one.input_shape) if one.input_shape else None
    found = [f"unknown {name}" for name in unknown]
    if report and report.has_errors():
        found.append(report.generate_report())
    else:
        found += constraints(one.input_shape, given, one.name) if one.input_shape else []
    return one.name, found


def main(file):
    with open(file, encoding="utf-8") as lines:
        requests = [json.loads(line) for line in lines]
    checked, wrong = {}, 0
    for request in requests:
        name, found = mistakes(request)
        checked[f"{request['service']}:{name}"] = checked.get(f"{request['service']}:{name}", 0) + 1
        for mistake in found:
            wrong += 1
            print(f"{request['service']} {name}: {mistake}\n  in {json.dumps(request)[:600]}")
    print(f"{len(requests)} requests of {len(checked)} operations, {wrong} mistakes: {', '.join(sorted(checked))}")
    return 1 if wrong or not requests else 0


sys.exit(main(sys.argv[1]))
