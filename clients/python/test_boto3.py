"""boto3, low-level client and resource, through the gateway."""

import json
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError
from conftest import SECRET
from orders import ALL_TYPES, key, order, put_orders, sets_sorted


def test_put_and_get_all_types(client, raw, customer):
    item = order(customer, 1, views={"N": "0"}, **ALL_TYPES)
    client.put_item(TableName="Orders", Item=item)
    answer = client.get_item(TableName="Orders", Key=key(customer, 1), ConsistentRead=True)
    assert sets_sorted(answer["Item"]) == sets_sorted(item)

    stored = raw.get_item(TableName="Orders", Key=key(customer, 1))["Item"]
    assert set(stored) == set(item) | {"aws_dbe_head", "aws_dbe_foot"}
    for name in ("customer", "number", "status", "views"):
        assert stored[name] == item[name]
    for name in (*ALL_TYPES, "note", "aws_dbe_head", "aws_dbe_foot"):
        assert list(stored[name]) == ["B"], name


def test_nothing_readable_is_stored(client, raw, customer):
    client.put_item(TableName="Orders", Item=order(customer, 1, **ALL_TYPES))
    items = [item for page in raw.get_paginator("scan").paginate(TableName="Orders") for item in page["Items"]]
    assert any(item["customer"] == {"S": customer} for item in items)
    for item in items:
        for name, value in item.items():
            assert SECRET not in repr(value), name


def test_missing_item(client, customer):
    assert "Item" not in client.get_item(TableName="Orders", Key=key(customer, 404))


def test_projection(client, customer):
    client.put_item(TableName="Orders", Item=order(customer, 1, **ALL_TYPES))
    answer = client.get_item(
        TableName="Orders", Key=key(customer, 1),
        ProjectionExpression="#s, address.geo[1], #l[0].sku, absent_one",
        ExpressionAttributeNames={"#s": "status", "#l": "lines"},
    )
    assert answer["Item"] == {
        "status": {"S": "open"},
        "address": {"M": {"geo": {"L": [{"N": "-2"}]}}},
        "lines": {"L": [{"M": {"sku": {"S": SECRET}}}]},
    }


def test_batch(client, raw, customer):
    puts = [{"PutRequest": {"Item": order(customer, number)}} for number in range(20)]
    assert client.batch_write_item(RequestItems={"Orders": puts})["UnprocessedItems"] == {}
    deletes = [{"DeleteRequest": {"Key": key(customer, number)}} for number in range(5)]
    plain = [{"PutRequest": {"Item": order(customer, 99)}}]
    client.batch_write_item(RequestItems={"Orders": deletes, "Plain": plain})

    keys = [key(customer, number) for number in range(20)]
    answer = client.batch_get_item(RequestItems={
        "Orders": {"Keys": keys, "ProjectionExpression": "note"},
        "Plain": {"Keys": [key(customer, 99)]},
    })
    notes = sorted(item["note"]["S"] for item in answer["Responses"]["Orders"])
    assert notes == sorted(f"{SECRET} {number}" for number in range(5, 20))
    assert all(list(item) == ["note"] for item in answer["Responses"]["Orders"])
    assert answer["Responses"]["Plain"] == [order(customer, 99)]
    assert raw.get_item(TableName="Plain", Key=key(customer, 99))["Item"] == order(customer, 99)


def test_query_pages(client, customer):
    put_orders(client, customer, 10)
    pages = list(client.get_paginator("query").paginate(
        TableName="Orders",
        KeyConditionExpression="customer = :c AND #n >= :from",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues={":c": {"S": customer}, ":from": {"N": "2"}},
        PaginationConfig={"PageSize": 3},
    ))
    assert len(pages) >= 3 and all(page["Count"] == len(page["Items"]) <= 3 for page in pages)
    items = [item for page in pages for item in page["Items"]]
    assert items == [order(customer, number) for number in range(2, 10)]


def test_scan_pages(client, customer):
    put_orders(client, customer, 7)
    pages = list(client.get_paginator("scan").paginate(
        TableName="Orders", PaginationConfig={"PageSize": 4},
        FilterExpression="customer = :c", ExpressionAttributeValues={":c": {"S": customer}},
    ))
    found = {item["number"]["N"]: item for page in pages for item in page["Items"]}
    assert len(pages) >= 2 and found == {str(number): order(customer, number) for number in range(7)}


def test_transactions(client, raw, customer):
    put_orders(client, customer, 2)
    client.transact_write_items(TransactItems=[
        {"Put": {"TableName": "Orders", "Item": order(customer, 5)}},
        {"Put": {"TableName": "Plain", "Item": order(customer, 6)}},
        {"Delete": {"TableName": "Orders", "Key": key(customer, 0)}},
        {"ConditionCheck": {
            "TableName": "Orders", "Key": key(customer, 1), "ConditionExpression": "#s = :open",
            "ExpressionAttributeNames": {"#s": "status"}, "ExpressionAttributeValues": {":open": {"S": "open"}},
        }},
    ])
    answer = client.transact_get_items(TransactItems=[
        {"Get": {"TableName": "Orders", "Key": key(customer, 5)}},
        {"Get": {"TableName": "Orders", "Key": key(customer, 0)}},
        {"Get": {"TableName": "Plain", "Key": key(customer, 6)}},
        {"Get": {"TableName": "Orders", "Key": key(customer, 1), "ProjectionExpression": "note"}},
    ])
    items = [response.get("Item") for response in answer["Responses"]]
    assert items == [order(customer, 5), None, order(customer, 6), {"note": {"S": f"{SECRET} 1"}}]
    assert "aws_dbe_head" in raw.get_item(TableName="Orders", Key=key(customer, 5))["Item"]


def test_cancelled_transaction(client, customer):
    put_orders(client, customer, 1)
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(TransactItems=[
            {"Put": {"TableName": "Orders", "Item": order(customer, 9)}},
            {"Delete": {
                "TableName": "Orders", "Key": key(customer, 0), "ConditionExpression": "attribute_not_exists(customer)",
            }},
        ])
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "None", "ConditionalCheckFailed",
    ]
    assert "Item" not in client.get_item(TableName="Orders", Key=key(customer, 9))


def test_old_values(client, customer):
    client.put_item(TableName="Orders", Item=order(customer, 1, **ALL_TYPES))
    old = client.put_item(TableName="Orders", Item=order(customer, 1), ReturnValues="ALL_OLD")
    assert sets_sorted(old["Attributes"]) == sets_sorted(order(customer, 1, **ALL_TYPES))
    old = client.delete_item(TableName="Orders", Key=key(customer, 1), ReturnValues="ALL_OLD")
    assert old["Attributes"] == order(customer, 1)
    assert "Attributes" not in client.delete_item(TableName="Orders", Key=key(customer, 1), ReturnValues="ALL_OLD")


def test_failed_condition_is_the_sdks_own_exception(client, customer):
    item = order(customer, 1)
    client.put_item(TableName="Orders", Item=item, ConditionExpression="attribute_not_exists(customer)")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.put_item(
            TableName="Orders", Item=order(customer, 1), ConditionExpression="attribute_not_exists(customer)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Item"] == item


@pytest.mark.parametrize("attribute", ["note", "status", "aws_dbe_head", "aws_dbe_foot"])
def test_a_changed_byte_is_refused(client, raw, customer, attribute):
    client.put_item(TableName="Damaged", Item=order(customer, 1))
    stored = raw.get_item(TableName="Damaged", Key=key(customer, 1))["Item"]
    (kind, value), = stored[attribute].items()
    stored[attribute] = {kind: value[:-1] + (b"\0" if kind == "B" and value[-1] else b"\1") if kind == "B" else value + "x"}
    raw.put_item(TableName="Damaged", Item=stored)
    reads = {
        "GetItem": lambda: client.get_item(TableName="Damaged", Key=key(customer, 1)),
        "BatchGetItem": lambda: client.batch_get_item(RequestItems={"Damaged": {"Keys": [key(customer, 1)]}}),
        "TransactGetItems": lambda: client.transact_get_items(
            TransactItems=[{"Get": {"TableName": "Damaged", "Key": key(customer, 1)}}]
        ),
        "Query": lambda: client.query(
            TableName="Damaged", KeyConditionExpression="customer = :c",
            ExpressionAttributeValues={":c": {"S": customer}},
        ),
    }
    for operation, read in reads.items():
        with pytest.raises(ClientError) as caught:
            read()
        message = caught.value.response["Error"]["Message"]
        assert "DSL-3" in message and "Damaged" in message and operation in message
        assert SECRET not in message


def test_an_item_moved_to_another_key_is_refused(client, raw, customer):
    client.put_item(TableName="Damaged", Item=order(customer, 1))
    stored = raw.get_item(TableName="Damaged", Key=key(customer, 1))["Item"]
    raw.put_item(TableName="Damaged", Item={**stored, "number": {"N": "2"}})
    with pytest.raises(ClientError, match="DSL-"):
        client.get_item(TableName="Damaged", Key=key(customer, 2))


def test_an_unsealed_item_is_refused(client, raw, customer):
    raw.put_item(TableName="Damaged", Item=order(customer, 1))
    with pytest.raises(ClientError, match="DSL-3") as caught:
        client.get_item(TableName="Damaged", Key=key(customer, 1))
    assert SECRET not in str(caught.value)


def test_an_unprotected_table_is_left_alone(client, raw, customer):
    item = order(customer, 1, views={"N": "0"}, **ALL_TYPES)
    client.put_item(TableName="Plain", Item=item)
    assert sets_sorted(raw.get_item(TableName="Plain", Key=key(customer, 1))["Item"]) == sets_sorted(item)
    answer = client.update_item(
        TableName="Plain", Key=key(customer, 1), UpdateExpression="SET note = :n",
        ExpressionAttributeValues={":n": {"S": "new"}}, ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"]["note"] == {"S": "new"}


def test_resource(gateway, customer):
    table = gateway.resource().Table("Orders")
    item = {
        "customer": customer, "number": Decimal(1), "status": "open", "note": SECRET, "price": Decimal("19.990"),
        "photo": Binary(b"\0\1"), "lines": [{"sku": "a", "count": Decimal(2)}], "tags": {"x", "y"}, "paid": False,
        "coupon": None,
    }
    with table.batch_writer() as batch:
        batch.put_item(Item=item)
        batch.put_item(Item={"customer": customer, "number": Decimal(2), "note": json.dumps([SECRET])})
    assert table.get_item(Key={"customer": customer, "number": 1})["Item"] == item
    answer = table.query(
        KeyConditionExpression=Key("customer").eq(customer) & Key("number").between(1, 5),
        FilterExpression=Attr("status").exists(), ProjectionExpression="price",
    )
    assert answer["Items"] == [{"price": Decimal("19.99")}] and answer["ScannedCount"] == 2

    answer = table.update_item(
        Key={"customer": customer, "number": 1}, UpdateExpression="SET price = price - :off REMOVE photo",
        ConditionExpression=Attr("price").gt(Decimal(19)) & Attr("tags").contains("x"),
        ExpressionAttributeValues={":off": Decimal("0.99")}, ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"price": Decimal(19)}
    cheap = table.scan(FilterExpression=Key("customer").eq(customer) & Attr("price").lte(Decimal(19)))
    item.pop("photo")
    assert cheap["Items"] == [{**item, "price": Decimal(19)}]


ATTR_HOLDS = {
    "eq": Attr("note").eq(SECRET),
    "ne": Attr("note").ne("other"),
    "lt": Attr("price").lt(20),
    "lte": Attr("price").lte(Decimal("19.99")),
    "gt": Attr("price").gt(Decimal("19.98")),
    "gte": Attr("price").gte(Decimal("19.99")),
    "between": Attr("price").between(19, 20),
    "begins_with": Attr("note").begins_with(SECRET[:4]),
    "contains text": Attr("note").contains(SECRET[2:5]),
    "contains member": Attr("tags").contains("x"),
    "contains element": Attr("lines").contains({"sku": SECRET}),
    "is_in": Attr("price").is_in([1, Decimal("19.99")]),
    "exists": Attr("note").exists(),
    "not_exists": Attr("absent").not_exists(),
    "attribute_type": Attr("lines").attribute_type("L"),
    "size": Attr("tags").size().eq(2),
    "nested": Attr("lines[0].sku").eq(SECRET) & Attr("address.street").exists(),
    "another attribute": Attr("price").lt(Attr("total")),
    "and, or, not": ~(Attr("note").eq("other") | Attr("price").gt(20)) & Attr("status").eq("open"),
}


@pytest.mark.parametrize("condition", ATTR_HOLDS.values(), ids=ATTR_HOLDS)
@pytest.mark.parametrize("table", ["Orders", "Plain"])
def test_attr_on_encrypted_attributes(gateway, client, customer, table, condition):
    table = gateway.resource().Table(table)
    key = {"customer": customer, "number": Decimal(1)}
    item = {
        **key, "status": "open", "note": SECRET, "price": Decimal("19.99"), "total": Decimal(30), "tags": {"x", "y"},
        "lines": [{"sku": SECRET}], "address": {"street": SECRET},
    }
    table.put_item(Item=item)
    mine = Key("customer").eq(customer)
    for filter, found in [(condition, [item]), (~condition, [])]:
        assert table.query(KeyConditionExpression=mine, FilterExpression=filter)["Items"] == found
        assert table.scan(FilterExpression=mine & filter)["Items"] == found

    change = {"Key": key, "UpdateExpression": "SET extra = :e", "ExpressionAttributeValues": {":e": SECRET}}
    for fails in (
        lambda: table.put_item(Item=key, ConditionExpression=~condition),
        lambda: table.update_item(**change, ConditionExpression=~condition),
        lambda: table.delete_item(Key=key, ConditionExpression=~condition),
    ):
        with pytest.raises(client.exceptions.ClientError) as caught:
            fails()
        assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    new = table.update_item(**change, ConditionExpression=condition, ReturnValues="ALL_NEW")
    assert new["Attributes"] == {**item, "extra": SECRET}
    table.put_item(Item=item, ConditionExpression=condition & Attr("extra").exists())
    old = table.delete_item(Key=key, ConditionExpression=condition & Attr("extra").not_exists(), ReturnValues="ALL_OLD")
    assert old["Attributes"] == item


def test_an_item_over_the_limit_says_by_how_much(client, customer):
    with pytest.raises(ClientError) as caught:
        client.put_item(TableName="Orders", Item=order(customer, 1, blob={"B": b"x" * (400 * 1024 - 100)}))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "DSL-2004" in str(caught.value) and "409600" in str(caught.value)
