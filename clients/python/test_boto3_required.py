"""Each operation with nothing but its required members, and with what boto3 adds to them on its own."""

import pytest
from botocore.exceptions import ClientError

TABLES = ("Bare", "BarePlain")
SCHEMA = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
# What is refused while a table is protected; COMPAT.md says why. A shard iterator must come from the gateway.
REFUSED = {"DescribeEndpoints", "SearchVectors", "StartBulkPutItems", "GetRecords"}
# It ends the tables, so it comes last.
LAST = "DeleteTable"


def arn(table):
    return f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"


def value(table, name, shape):
    """A value for a required member: by its name where that says what it must be, otherwise by its type."""
    item = {"id": {"S": "1"}}
    known = {
        "TableName": table, "TableArn": arn(table), "ResourceArn": arn(table), "Key": item, "Item": item,
        "RequestItems": {table: [{"PutRequest": {"Item": item}}]},
        "Statement": f"SELECT * FROM \"{table}\" WHERE id='1'",
        "StreamArn": f"{arn(table)}/stream/2026-01-01T00:00:00.000",
        "ShardId": "shardId-00000000000000000001-00000001",
        "SearchVector": [{"N": "1"}],
        "AttributeName": "id",
    }
    if name in known and (shape.type_name in ("map", "structure", "list")) == isinstance(known[name], (dict, list)):
        return known[name]
    if shape.type_name == "structure":
        return required(table, shape)
    if shape.type_name == "list":
        return [value(table, "", shape.member)]
    if shape.type_name == "map":
        return {"x": value(table, "", shape.value)}
    if getattr(shape, "enum", None):
        return shape.enum[0]
    return {"string": "x" * max(3, shape.metadata.get("min", 3)), "boolean": True, "blob": b"x"}.get(shape.type_name, 1)


def required(table, shape):
    return {name: value(table, name, shape.members[name]) for name in shape.required_members}


def input_of(table, operation, shape):
    action = {"TransactGetItems": "Get", "TransactWriteItems": "ConditionCheck"}.get(operation)
    if operation == "Query":
        return {"TableName": table, "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "1"}}}
    if operation == "BatchGetItem":
        return {"RequestItems": {table: {"Keys": [{"id": {"S": "1"}}]}}}
    if action:
        condition = {"ConditionExpression": "attribute_exists(id)"} if action == "ConditionCheck" else {}
        return {"TransactItems": [{action: {"TableName": table, "Key": {"id": {"S": "1"}}, **condition}}]}
    return required(table, shape) if shape else {}


def outcome(client, table, operation):
    model = client.meta.service_model.operation_model(operation)
    method = next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)
    try:
        answer = getattr(client, method)(**input_of(table, operation, model.input_shape))
    except ClientError as caught:
        error = caught.response["Error"]
        return error["Code"], error["Message"].replace(table, "TABLE")
    return sorted(name for name, value in answer.items() if name != "ResponseMetadata" and value)


@pytest.fixture
def tables(client):
    for table in TABLES:
        client.create_table(TableName=table, **SCHEMA)


def differing(client):
    names = [name for name in client.meta.service_model.operation_names if name != LAST]
    names += [LAST] if LAST in client.meta.service_model.operation_names else []
    outcomes = {name: [outcome(client, table, name) for table in TABLES] for name in names}
    return {name: both for name, both in outcomes.items() if both[0] != both[1] or "DSL-" in str(both[0])}


def test_each_operation_with_its_required_members(client, tables):
    differing_ones = differing(client)
    assert set(differing_ones) == REFUSED - {"GetRecords"}, differing_ones
    assert all("DSL-20" in both[0][1] for both in differing_ones.values()), differing_ones


def test_each_operation_of_streams(streams):
    assert set(differing(streams)) == {"GetRecords"}


def test_a_transaction_of_statements(client, raw, customer):
    """boto3 fills in a ClientRequestToken, whether the statements read or write."""
    def execute(*statements):
        return client.execute_transaction(TransactStatements=[{"Statement": text} for text in statements])["Responses"]

    key = f"customer = '{customer}' AND number = 1"
    execute(f"INSERT INTO Orders VALUE {{'customer': '{customer}', 'number': 1, 'note': 'x'}}")
    assert execute(f"SELECT note FROM Orders WHERE {key}") == [{"Item": {"note": {"S": "x"}}}]
    execute(f"UPDATE Orders SET note = 'y' WHERE {key}")
    assert execute(f"SELECT * FROM \"Orders\" WHERE {key}")[0]["Item"]["note"] == {"S": "y"}
    assert list(raw.get_item(TableName="Orders", Key={"customer": {"S": customer}, "number": {"N": "1"}})["Item"]["note"]) == ["B"]
    execute(f"DELETE FROM Orders WHERE {key}")
    assert execute(f"SELECT * FROM Orders WHERE {key}") == [{}]
