#!/usr/bin/env python3
"""Runs the scenarios through the interpreter of moto, and writes what it did to fixtures/golden.jsonl.

A test compares with that what the interpreter of the local system does. Run it again when the definition or the scenarios
change, in a virtual environment of its own:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install "moto[stepfunctions]==5.2.5" boto3
    /tmp/golden/bin/python test/workflow/make-golden.py

Functions answer from the script, and nothing is slept for; everything else is moto's: https://docs.getmoto.org
"""

import json
import logging
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import boto3
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DEFINITION = ROOT / "lib/workflow/dispatch.asl.json"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
ROLE = "arn:aws:iam::123456789012:role/any"
DONE = {"again": False, "waitSeconds": 0, "synchronous": False}
INPUT = {"id": "task_1", "n": 1}


class Script:
    """The answers of the functions, and how often each was called."""

    def __init__(self, answers):
        self.answers = {
            state: [one for one in given for _ in range(one.get("times", 1))] for state, given in answers.items()
        }
        self.calls = {}

    def invoke(self, function):
        state = function.removeprefix(ARN).removesuffix("Function")
        self.calls[state] = self.calls.get(state, 0) + 1
        left = self.answers.get(state, [])
        answer = left.pop(0) if left else {"output": DONE}
        if "output" in answer:
            return answer["output"]
        if answer["error"] == "States.Timeout":
            raise TimeoutError()
        payload = {"errorType": answer["error"], "errorMessage": f"{state} failed", "trace": []}
        raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", json.dumps(payload, separators=(",", ":")))


# Each error of a script is logged at length.
logging.disable(logging.ERROR)
script = Script({})


def integration(env, parameters, region, state_credentials):
    env.stack.append({"Payload": script.invoke(parameters["FunctionName"])})


lambda_eval_utils.execute_lambda_function_integration = integration
retrier_decl.time = type("NoTime", (), {"sleep": staticmethod(lambda seconds: None)})
WaitFunction._wait_interval = lambda self, env, wait_seconds: None


def run(client, machine, number, scenario):
    global script
    script = Script(scenario["answers"])
    execution = client.start_execution(stateMachineArn=machine, name=f"run-{number}", input=json.dumps(INPUT))["executionArn"]
    while (ended := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.02)
    events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
    return {
        "name": scenario["name"],
        "answers": scenario["answers"],
        "status": ended["status"],
        **({"error": ended["error"]} if "error" in ended else {}),
        "calls": script.calls,
        "entered": [{"state": one["name"], "input": json.loads(one["input"])} for one in entered],
    }


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def main():
    listed = subprocess.run(
        ["npx", "node", "test/workflow/scenarios.ts"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    definition = DEFINITION.read_text()
    for name in json.loads(definition)["States"]:
        definition = definition.replace("${%sFunction}" % name, f"{ARN}{name}Function")
    client = boto3.client("stepfunctions", "us-east-1", aws_access_key_id="a", aws_secret_access_key="a")
    created = client.create_state_machine(name="dispatch", definition=definition, roleArn=ROLE)
    runs = [run(client, created["stateMachineArn"], *each) for each in enumerate(json.loads(listed.stdout))]
    lines = [{"interpreter": f"moto {version('moto')}"}, *runs]
    (HERE / "fixtures/golden.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    print(f"{len(runs)} runs")


main()
