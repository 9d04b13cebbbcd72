"""boto3: updates, conditions and filters on what is stored encrypted."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from conftest import SECRET
from orders import ALL_TYPES, key, order, put_orders, refused, sealed, sets_sorted


def test_query_filter_on_a_plain_attribute(client, customer):
    put_orders(client, customer, 6)
    arguments = {
        "TableName": "Orders",
        "KeyConditionExpression": "customer = :c",
        "FilterExpression": "#s = :open",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":c": {"S": customer}, ":open": {"S": "open"}},
    }
    answer = client.query(**arguments, ScanIndexForward=False)
    assert [item["number"]["N"] for item in answer["Items"]] == ["5", "3", "1"]
    assert (answer["Count"], answer["ScannedCount"]) == (3, 6)
    count = client.query(**arguments, Select="COUNT")
    assert (count["Count"], count["ScannedCount"], "Items" in count) == (3, 6, False)


def test_query_filter_on_an_encrypted_attribute(client, customer):
    put_orders(client, customer, 9)
    arguments = {
        "TableName": "Orders",
        "KeyConditionExpression": "customer = :c AND #n >= :from",
        "FilterExpression": "note IN (:two, :five) OR (#s = :open AND begins_with(note, :note) AND NOT contains(note, :seven))",
        "ExpressionAttributeNames": {"#n": "number", "#s": "status"},
        "ExpressionAttributeValues": {
            ":c": {"S": customer}, ":from": {"N": "1"}, ":open": {"S": "open"}, ":note": {"S": SECRET},
            ":two": {"S": f"{SECRET} 2"}, ":five": {"S": f"{SECRET} 5"}, ":seven": {"S": "7"},
        },
    }
    found = ["1", "2", "3", "5"]
    answer = client.query(**arguments)
    assert answer["Items"] == [order(customer, int(number)) for number in found]
    assert (answer["Count"], answer["ScannedCount"]) == (4, 8)
    count = client.query(**arguments, Select="COUNT")
    assert (count["Count"], count["ScannedCount"], "Items" in count) == (4, 8, False)
    projected = client.query(**arguments, ProjectionExpression="#n", ScanIndexForward=False)
    assert projected["Items"] == [{"number": {"N": number}} for number in reversed(found)]

    # A page ends after as many items as were read, not as passed the filter.
    pages = list(client.get_paginator("query").paginate(**arguments, PaginationConfig={"PageSize": 3}))
    assert [page["ScannedCount"] for page in pages][:2] == [3, 3]
    assert [page["Count"] for page in pages][:2] == [3, 1]
    assert sum(page["ScannedCount"] for page in pages) == 8
    assert [item["number"]["N"] for page in pages for item in page["Items"]] == found


def test_scan_filter_on_an_encrypted_attribute(client, customer):
    put_orders(client, customer, 7)
    arguments = {
        "TableName": "Orders",
        "FilterExpression": "customer = :c AND note > :n AND size(note) = :size",
        "ExpressionAttributeValues": {
            ":c": {"S": customer}, ":n": {"S": f"{SECRET} 3"}, ":size": {"N": str(len(f"{SECRET} 0"))},
        },
    }
    pages = list(client.get_paginator("scan").paginate(**arguments, PaginationConfig={"PageSize": 2}))
    found = {item["number"]["N"]: item for page in pages for item in page["Items"]}
    assert found == {str(number): order(customer, number) for number in (4, 5, 6)}
    assert len(pages) >= 4 and all(page["Count"] == len(page["Items"]) for page in pages)
    counts = list(client.get_paginator("scan").paginate(**arguments, Select="COUNT", PaginationConfig={"PageSize": 2}))
    assert sum(page["Count"] for page in counts) == 3 and not any("Items" in page for page in counts)
    # The whole table, whatever other tests left in it.
    assert sum(page["ScannedCount"] for page in counts) == sum(page["ScannedCount"] for page in pages) >= 7


def test_key_condition_on_an_encrypted_attribute_is_refused(client, customer):
    with pytest.raises(ClientError) as caught:
        client.query(
            TableName="Orders", KeyConditionExpression="customer = :c AND note = :n",
            ExpressionAttributeValues={":c": {"S": customer}, ":n": {"S": SECRET}},
        )
    refused(caught, "Query", "note")


def test_legacy_parameters_on_an_encrypted_attribute(client, customer):
    put_orders(client, customer, 2)
    note = order(customer, 0)["note"]["S"]
    equal = {"note": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": note}]}}
    own = {"customer": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": customer}]}}
    page = client.query(TableName="Orders", KeyConditions=own, QueryFilter=equal)
    assert (page["Count"], page["ScannedCount"], page["Items"]) == (1, 2, [order(customer, 0)])
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.delete_item(TableName="Orders", Key=key(customer, 0), Expected={"note": {"Value": {"S": "other"}}})
    changed = client.update_item(
        TableName="Orders", Key=key(customer, 0), Expected={"note": {"Value": {"S": note}}},
        AttributeUpdates={"note": {"Value": {"S": SECRET}, "Action": "PUT"}}, ReturnValues="UPDATED_NEW",
    )
    assert changed["Attributes"] == {"note": {"S": SECRET}}


def test_transactions_on_encrypted_attributes(client, raw, customer):
    put_orders(client, customer, 4)
    before = raw.get_item(TableName="Orders", Key=key(customer, 0))["Item"]

    def transact(checked):
        values = {"ExpressionAttributeValues": {":n": {"S": f"{SECRET} {checked}"}}}
        client.transact_write_items(TransactItems=[
            {"Update": {
                "TableName": "Orders", "Key": key(customer, 0), "UpdateExpression": "SET note = :new ADD #v :one",
                "ConditionExpression": "note = :old", "ExpressionAttributeNames": {"#v": "views"},
                "ExpressionAttributeValues": {
                    ":new": {"S": f"{SECRET} new"}, ":old": {"S": f"{SECRET} 0"}, ":one": {"N": "1"},
                },
            }},
            {"ConditionCheck": {
                "TableName": "Orders", "Key": key(customer, 1), "ConditionExpression": "note = :n",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **values,
            }},
            {"Delete": {
                "TableName": "Orders", "Key": key(customer, 2), "ConditionExpression": "begins_with(note, :n)",
                "ExpressionAttributeValues": {":n": {"S": SECRET}},
            }},
            {"Put": {
                "TableName": "Orders", "Item": order(customer, 3, extra={"S": SECRET}),
                "ConditionExpression": "note <> :n", **values,
            }},
        ])

    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        transact("wrong")
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "None", "None"]
    assert reasons[1]["Item"] == order(customer, 1)
    assert raw.get_item(TableName="Orders", Key=key(customer, 0))["Item"] == before

    transact(1)
    items = [client.get_item(TableName="Orders", Key=key(customer, number)).get("Item") for number in range(4)]
    assert items == [
        order(customer, 0, note={"S": f"{SECRET} new"}, views={"N": "1"}), order(customer, 1), None,
        order(customer, 3, extra={"S": SECRET}),
    ]
    sealed(raw, customer, 0, {*before, "views"}, before)


def test_update_only_if_the_item_exists(client, raw, customer):
    arguments = {
        "TableName": "Orders", "Key": key(customer, 1), "UpdateExpression": "SET note = :n",
        "ConditionExpression": "attribute_exists(customer)", "ExpressionAttributeValues": {":n": {"S": f"{SECRET} new"}},
    }
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.update_item(**arguments, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Item" not in caught.value.response
    assert "Item" not in raw.get_item(TableName="Orders", Key=key(customer, 1))

    client.put_item(TableName="Orders", Item=order(customer, 1, **ALL_TYPES))
    before = raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
    assert "Attributes" not in client.update_item(**arguments)
    answer = client.get_item(TableName="Orders", Key=key(customer, 1))
    assert sets_sorted(answer["Item"]) == sets_sorted({**order(customer, 1, **ALL_TYPES), "note": {"S": f"{SECRET} new"}})
    sealed(raw, customer, 1, {*before}, before)


def test_update_sets_removes_and_adds(client, raw, customer):
    item = order(
        customer, 1, views={"N": "5"}, amount={"N": "12.5"}, tags={"SS": ["a", "b"]}, coupon={"S": SECRET},
        lines={"L": [{"M": {"sku": {"S": SECRET}, "count": {"N": "2"}}}, {"S": "gone"}]},
    )
    client.put_item(TableName="Orders", Item=item)
    before = raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
    answer = client.update_item(
        TableName="Orders", Key=key(customer, 1),
        UpdateExpression=(
            "SET #s = :paid, note = :note, #l[0].#c = #l[0].#c + :one, twin = coupon, born = if_not_exists(born, :one) "
            "REMOVE coupon, #l[1] ADD amount :half, #v :one DELETE tags :a"
        ),
        ConditionExpression="begins_with(note, :secret) AND amount BETWEEN :one AND :many AND #v = :five",
        ExpressionAttributeNames={"#s": "status", "#v": "views", "#l": "lines", "#c": "count"},
        ExpressionAttributeValues={
            ":paid": {"S": "paid"}, ":note": {"S": f"{SECRET} changed"}, ":one": {"N": "1"}, ":half": {"N": "0.5"},
            ":a": {"SS": ["a"]}, ":secret": {"S": SECRET}, ":many": {"N": "99"}, ":five": {"N": "5"},
        },
        ReturnValues="ALL_NEW",
    )
    expected = {
        **key(customer, 1), "status": {"S": "paid"}, "note": {"S": f"{SECRET} changed"}, "views": {"N": "6"},
        "amount": {"N": "13"}, "tags": {"SS": ["b"]}, "twin": {"S": SECRET}, "born": {"N": "1"},
        "lines": {"L": [{"M": {"sku": {"S": SECRET}, "count": {"N": "3"}}}]},
    }
    assert answer["Attributes"] == expected
    assert client.get_item(TableName="Orders", Key=key(customer, 1))["Item"] == expected
    stored = sealed(raw, customer, 1, {*expected, "aws_dbe_head", "aws_dbe_foot"}, before)
    assert (stored["status"], stored["views"]) == ({"S": "paid"}, {"N": "6"})


def test_update_returns_what_was_asked_for(client, customer):
    client.put_item(TableName="Orders", Item=order(customer, 1, views={"N": "1"}, address=ALL_TYPES["address"]))
    now = client.get_item(TableName="Orders", Key=key(customer, 1))["Item"]

    def update(returns, note):
        answer = client.update_item(
            TableName="Orders", Key=key(customer, 1),
            UpdateExpression="SET note = :n, address.street = :n ADD #v :one",
            ExpressionAttributeNames={"#v": "views"},
            ExpressionAttributeValues={":n": {"S": note}, ":one": {"N": "1"}}, ReturnValues=returns,
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        return answer.get("Attributes")

    def parts(item):
        street = item["address"]["M"]["street"]
        return {"note": item["note"], "views": item["views"], "address": {"M": {"street": street}}}

    for number, returns in enumerate(["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]):
        old, answer = now, update(returns, f"{SECRET} {number}")
        now = client.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
        assert (now["note"], now["views"]) == ({"S": f"{SECRET} {number}"}, {"N": str(number + 2)})
        assert answer == {
            "NONE": None, "ALL_OLD": old, "UPDATED_OLD": parts(old), "ALL_NEW": now, "UPDATED_NEW": parts(now),
        }[returns]


def test_update_creates_a_sealed_item(client, raw, customer):
    answer = client.update_item(
        TableName="Orders", Key=key(customer, 1), UpdateExpression="SET note = :n, #s = :open ADD #v :one",
        ConditionExpression="attribute_not_exists(note)",
        ExpressionAttributeNames={"#s": "status", "#v": "views"},
        ExpressionAttributeValues={":n": {"S": f"{SECRET} 1"}, ":open": {"S": "open"}, ":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    expected = order(customer, 1, views={"N": "1"})
    assert answer["Attributes"] == {name: expected[name] for name in ("note", "status", "views")}
    assert client.get_item(TableName="Orders", Key=key(customer, 1))["Item"] == expected
    sealed(raw, customer, 1, {*expected, "aws_dbe_head", "aws_dbe_foot"})


def test_a_failed_condition_on_an_encrypted_attribute(client, raw, customer):
    put_orders(client, customer, 2)
    before = raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
    condition = {
        "TableName": "Orders", "ConditionExpression": "note = :wrong", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    wrong = {":wrong": {"S": f"{SECRET} wrong"}}
    calls = [
        lambda: client.put_item(Item=order(customer, 1, more={"S": SECRET}), ExpressionAttributeValues=wrong, **condition),
        lambda: client.delete_item(Key=key(customer, 1), ExpressionAttributeValues=wrong, **condition),
        lambda: client.update_item(
            Key=key(customer, 1), UpdateExpression="SET #s = :paid", ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={**wrong, ":paid": {"S": "paid"}}, **condition,
        ),
        lambda: client.update_item(
            Key=key(customer, 1), UpdateExpression="ADD #v :one", ExpressionAttributeNames={"#v": "views"},
            ExpressionAttributeValues={**wrong, ":one": {"N": "1"}}, **condition,
        ),
    ]
    for call in calls:
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
            call()
        assert caught.value.response["Item"] == order(customer, 1)
        assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    condition.pop("ReturnValuesOnConditionCheckFailure")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.delete_item(Key=key(customer, 1), ExpressionAttributeValues=wrong, **condition)
    assert "Item" not in caught.value.response
    assert raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"] == before


def test_put_and_delete_under_a_condition_on_an_encrypted_attribute(client, raw, customer):
    put_orders(client, customer, 2)
    before = raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
    condition = {
        "TableName": "Orders", "ConditionExpression": "note = :n AND #s = :open", "ReturnValues": "ALL_OLD",
        "ExpressionAttributeNames": {"#s": "status"},
    }
    values = {":n": {"S": f"{SECRET} 1"}, ":open": {"S": "open"}}
    new = order(customer, 1, note={"S": f"{SECRET} put"}, extra={"S": SECRET})
    old = client.put_item(Item=new, ExpressionAttributeValues=values, **condition)
    assert old["Attributes"] == order(customer, 1)
    assert client.get_item(TableName="Orders", Key=key(customer, 1))["Item"] == new
    sealed(raw, customer, 1, {*new, "aws_dbe_head", "aws_dbe_foot"}, before)

    values[":n"] = {"S": f"{SECRET} put"}
    old = client.delete_item(Key=key(customer, 1), ExpressionAttributeValues=values, **condition)
    assert old["Attributes"] == new
    assert "Item" not in raw.get_item(TableName="Orders", Key=key(customer, 1))
    # An item that is not there has no note either.
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.delete_item(Key=key(customer, 1), ExpressionAttributeValues=values, **condition)


def test_updates_at_the_same_time_are_all_carried_out(client, customer):
    client.put_item(TableName="Orders", Item=order(customer, 1, amount={"N": "0"}, views={"N": "0"}))

    def add(_):
        client.update_item(
            TableName="Orders", Key=key(customer, 1), UpdateExpression="ADD amount :one, #v :one",
            ExpressionAttributeNames={"#v": "views"}, ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    item = client.get_item(TableName="Orders", Key=key(customer, 1), ConsistentRead=True)["Item"]
    assert (item["amount"], item["views"]) == ({"N": "40"}, {"N": "40"})


def test_a_changed_byte_is_not_sealed_anew(client, raw, customer):
    client.put_item(TableName="Damaged", Item=order(customer, 1))
    stored = raw.get_item(TableName="Damaged", Key=key(customer, 1))["Item"]
    stored["status"] = {"S": "paid"}
    raw.put_item(TableName="Damaged", Item=stored)
    values = {"ExpressionAttributeValues": {":n": {"S": SECRET}}}
    target = {"TableName": "Damaged", "Key": key(customer, 1)}
    calls = [
        lambda: client.update_item(UpdateExpression="SET note = :n", **target, **values),
        lambda: client.delete_item(ConditionExpression="note <> :n", **target, **values),
        lambda: client.scan(TableName="Damaged", FilterExpression="note = :n", **values),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="DSL-3") as caught:
            call()
        assert SECRET not in str(caught.value)
    assert raw.get_item(**target)["Item"] == stored


def test_faults_of_expressions_are_told_in_dynamodbs_words(client, customer):
    put_orders(client, customer, 1)
    faults = {
        "SET note = :n, views = :n": "Attribute name is a reserved keyword; reserved keyword: views",
        "SET note = :n, note = :n": "Two document paths overlap with each other",
        "SET note = :n REMOVE #x": "An expression attribute name used in the document path is not defined",
        "SET note.part = :n": "The document path provided in the update expression is invalid for update",
    }
    for expression, words in faults.items():
        with pytest.raises(ClientError) as caught:
            client.update_item(
                TableName="Orders", Key=key(customer, 0), UpdateExpression=expression,
                ExpressionAttributeValues={":n": {"S": SECRET}},
            )
        error = caught.value.response["Error"]
        assert error["Code"] == "ValidationException" and words in error["Message"], error["Message"]
        assert SECRET not in error["Message"]


@pytest.mark.parametrize("attribute", ["aws_dbe_foot", "aws_dbe_b_note"])
def test_update_of_the_formats_own_attributes_is_refused(client, raw, customer, attribute):
    put_orders(client, customer, 1)
    before = raw.get_item(TableName="Orders", Key=key(customer, 0))["Item"]
    with pytest.raises(ClientError) as caught:
        client.update_item(
            TableName="Orders", Key=key(customer, 0), UpdateExpression="SET #a = :v",
            ExpressionAttributeNames={"#a": attribute}, ExpressionAttributeValues={":v": {"S": SECRET}},
        )
    refused(caught, "UpdateItem", attribute)
    assert raw.get_item(TableName="Orders", Key=key(customer, 0))["Item"] == before


def test_update_of_an_unsigned_attribute_passes(client, customer):
    put_orders(client, customer, 1)
    for count in ("1", "2"):
        answer = client.update_item(
            TableName="Orders", Key=key(customer, 0), UpdateExpression="ADD #v :one",
            ConditionExpression="attribute_exists(customer)",
            ExpressionAttributeNames={"#v": "views"}, ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        assert answer["Attributes"] == {"views": {"N": count}}
    item = client.get_item(TableName="Orders", Key=key(customer, 0))["Item"]
    assert item == order(customer, 0, views={"N": "2"})


def test_partiql_works_on_encrypted_attributes(client, customer):
    put_orders(client, customer, 1)
    where = f"WHERE customer = '{customer}' AND \"number\" = 0"
    client.execute_statement(Statement=f'UPDATE "Orders" SET note = ? {where}', Parameters=[{"S": f"{SECRET} told"}])
    answer = client.execute_statement(Statement=f"SELECT note FROM \"Orders\" {where} AND note = '{SECRET} told'")
    assert answer["Items"] == [{"note": {"S": f"{SECRET} told"}}]
    with pytest.raises(ClientError) as caught:
        client.execute_statement(Statement=f"SELECT * FROM \"Orders\" WHERE note LIKE '{SECRET}'")
    refused(caught, "ExecuteStatement", "Orders")
