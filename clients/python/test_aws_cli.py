"""The AWS CLI through the gateway: the program that a person types."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, SECRET


@pytest.fixture
def aws(gateway):
    def run(*arguments, fails=False):
        result = subprocess.run(
            [Path(sys.executable).parent / "aws", "dynamodb", *arguments, "--endpoint-url", gateway.url, "--output", "json"],
            env={**ENVIRONMENT, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""},
            capture_output=True, text=True, timeout=120,
        )
        if fails:
            assert result.returncode != 0, result.stdout
            return result.stderr
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout) if result.stdout.strip() else {}
    return run


def order(customer, number, note):
    return {"customer": {"S": customer}, "number": {"N": str(number)}, "status": {"S": "open"}, "note": {"S": note}}


def key(customer, number):
    return json.dumps({"customer": {"S": customer}, "number": {"N": str(number)}})


def test_put_get_delete(aws, raw, customer):
    item = order(customer, 1, SECRET)
    aws("put-item", "--table-name", "Orders", "--item", json.dumps(item))
    assert aws("get-item", "--table-name", "Orders", "--key", key(customer, 1))["Item"] == item
    stored = raw.get_item(TableName="Orders", Key=json.loads(key(customer, 1)))["Item"]
    assert list(stored["note"]) == ["B"] and SECRET not in repr(stored)
    projected = aws("get-item", "--table-name", "Orders", "--key", key(customer, 1), "--projection-expression", "note")
    assert projected["Item"] == {"note": {"S": SECRET}}
    old = aws("delete-item", "--table-name", "Orders", "--key", key(customer, 1), "--return-values", "ALL_OLD")
    assert old["Attributes"] == item


def test_batch_query_scan(aws, customer):
    items = [order(customer, number, SECRET) for number in range(5)]
    aws("batch-write-item", "--request-items", json.dumps({"Orders": [{"PutRequest": {"Item": item}} for item in items]}))
    keys = json.dumps({"Orders": {"Keys": [json.loads(key(customer, number)) for number in range(5)]}})
    got = aws("batch-get-item", "--request-items", keys)["Responses"]["Orders"]
    assert sorted(got, key=lambda item: item["number"]["N"]) == items
    values = json.dumps({":c": {"S": customer}})
    # --page-size makes the CLI fetch pages of two and join them.
    query = aws(
        "query", "--table-name", "Orders", "--key-condition-expression", "customer = :c",
        "--expression-attribute-values", values, "--page-size", "2",
    )
    assert query["Items"] == items and query["Count"] == 5
    scan = aws(
        "scan", "--table-name", "Orders", "--filter-expression", "customer = :c",
        "--expression-attribute-values", values, "--page-size", "2",
    )
    assert sorted(scan["Items"], key=lambda item: item["number"]["N"]) == items


def test_transactions(aws, customer):
    item = order(customer, 1, SECRET)
    aws("transact-write-items", "--transact-items", json.dumps([{"Put": {"TableName": "Orders", "Item": item}}]))
    get = json.dumps([{"Get": {"TableName": "Orders", "Key": json.loads(key(customer, 1))}}])
    assert aws("transact-get-items", "--transact-items", get)["Responses"] == [{"Item": item}]


def test_update_and_filter_on_an_encrypted_attribute(aws, raw, customer):
    update = [
        "update-item", "--table-name", "Orders", "--key", key(customer, 1),
        "--update-expression", "SET note = :n ADD #v :one", "--condition-expression", "attribute_exists(customer)",
        "--expression-attribute-names", json.dumps({"#v": "views"}),
        "--expression-attribute-values", json.dumps({":n": {"S": f"{SECRET} new"}, ":one": {"N": "1"}}),
        "--return-values", "UPDATED_NEW",
    ]
    assert "(ConditionalCheckFailedException)" in aws(*update, fails=True)
    aws("put-item", "--table-name", "Orders", "--item", json.dumps(order(customer, 1, SECRET)))
    changed = {"note": {"S": f"{SECRET} new"}, "views": {"N": "1"}}
    assert aws(*update)["Attributes"] == changed
    stored = raw.get_item(TableName="Orders", Key=json.loads(key(customer, 1)))["Item"]
    assert list(stored["note"]) == ["B"] and SECRET not in repr(stored)

    values = json.dumps({":c": {"S": customer}, ":n": {"S": f"{SECRET} new"}})
    query = [
        "query", "--table-name", "Orders", "--key-condition-expression", "customer = :c",
        "--filter-expression", "note = :n", "--expression-attribute-values", values,
    ]
    assert aws(*query)["Items"] == [{**order(customer, 1, SECRET), **changed}]
    assert aws(*query, "--select", "COUNT")["Count"] == 1


def test_conditions_on_an_encrypted_attribute(aws, customer):
    aws("put-item", "--table-name", "Orders", "--item", json.dumps(order(customer, 1, SECRET)))

    def when(note):
        return [
            "--condition-expression", "begins_with(note, :n) AND size(note) = :s",
            "--expression-attribute-values", json.dumps({":n": {"S": note}, ":s": {"N": str(len(SECRET))}}),
        ]
    put = ["put-item", "--table-name", "Orders", "--item", json.dumps(order(customer, 1, SECRET[::-1]))]
    delete = ["delete-item", "--table-name", "Orders", "--key", key(customer, 1), "--return-values", "ALL_OLD"]
    for command in (put, delete):
        assert "(ConditionalCheckFailedException)" in aws(*command, *when("other"), fails=True)
    aws(*put, *when(SECRET[:3]))
    assert aws(*delete, *when(SECRET[::-1]))["Attributes"] == order(customer, 1, SECRET[::-1])


def test_errors_read_well(aws, raw, customer):
    item = order(customer, 1, SECRET)
    once = ["--condition-expression", "attribute_not_exists(customer)"]
    aws("put-item", "--table-name", "Orders", "--item", json.dumps(item), *once)
    error = aws("put-item", "--table-name", "Orders", "--item", json.dumps(item), *once, fails=True)
    assert "(ConditionalCheckFailedException)" in error

    error = aws(
        "query", "--table-name", "Orders", "--key-condition-expression", "customer = :c AND note = :n",
        "--expression-attribute-values", json.dumps({":c": {"S": customer}, ":n": {"S": SECRET}}), fails=True,
    )
    assert "(ValidationException)" in error and "DSL-2003" in error and "note" in error and SECRET not in error

    aws("put-item", "--table-name", "Damaged", "--item", json.dumps(item))
    stored = raw.get_item(TableName="Damaged", Key=json.loads(key(customer, 1)))["Item"]
    stored["status"] = {"S": "paid"}
    raw.put_item(TableName="Damaged", Item=stored)
    error = aws("get-item", "--table-name", "Damaged", "--key", key(customer, 1), fails=True)
    assert "DSL-3" in error and "Damaged" in error and SECRET not in error
