"""Two gateways for the whole run: one that protects the tables of gateway.toml, and behind it a store that protects none."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

HERE = Path(__file__).resolve().parent
TEST_KEY = "7e" * 32  # a test key: it protects nothing
SECRET = "canary-4f1c9a"  # stands in every encrypted attribute that a test writes
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "DYNASEAL_TEST_KEY": TEST_KEY,
}


class Gateway:
    """A running `dynaseal gateway`, and clients for it."""

    def __init__(self, name, config, folder):
        path = folder / f"{name}.toml"
        path.write_text(config)
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [os.environ["DYNASEAL"], "gateway", "--config", path],
                env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )
        self.url = self._wait()

    def _wait(self):
        for _ in range(300):
            found = re.search(r"listening.*?127\.0\.0\.1:([1-9]\d*)\b", self.log.read_text())
            if found:
                return f"http://127.0.0.1:{found[1]}"
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the gateway did not start:\n{self.log.read_text()}")

    def _arguments(self):
        return {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(retries={"max_attempts": 1, "mode": "standard"}),
        }

    def client(self):
        return boto3.client("dynamodb", **self._arguments())

    def streams(self):
        return boto3.client("dynamodbstreams", **self._arguments())

    def resource(self):
        return boto3.resource("dynamodb", **self._arguments())

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    gateway = Gateway("store", (HERE.parent / "store.toml").read_text(), tmp_path_factory.mktemp("store"))
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def gateway(store, tmp_path_factory):
    config = (HERE.parent / "gateway.toml").read_text().replace("{upstream}", store.url)
    gateway = Gateway("gateway", config, tmp_path_factory.mktemp("gateway"))
    for tables in json.loads((HERE.parent / "tables.json").read_text()):
        for name in tables["names"]:
            gateway.client().create_table(TableName=name, **tables["schema"])
    yield gateway
    assert gateway.process.poll() is None, "the gateway ended by itself"
    gateway.stop()
    assert gateway.process.returncode == 0, "the gateway did not drain and end well"
    assert SECRET not in gateway.log.read_text(), "plaintext in the gateway's output"


@pytest.fixture
def client(gateway):
    return gateway.client()


@pytest.fixture
def raw(store):
    """What is stored, as the database itself would show it."""
    return store.client()


@pytest.fixture
def streams(gateway):
    return gateway.streams()


@pytest.fixture
def raw_streams(store):
    """The streams of what is stored."""
    return store.streams()


@pytest.fixture
def customer(request):
    """A partition of its own for each test."""
    return request.node.name
