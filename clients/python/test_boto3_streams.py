"""boto3: the stream of a protected table."""

import re

import pytest
from botocore.exceptions import ClientError
from conftest import SECRET
from orders import ALL_TYPES, key, order, sets_sorted


def iterator(streams, table, **position):
    """An iterator to what is written to a table from now on."""
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    position = position or {"ShardIteratorType": "LATEST"}
    return streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **position)["ShardIterator"]


def read(streams, start):
    """All records behind an iterator, two at a time."""
    records = []
    while (page := streams.get_records(ShardIterator=start, Limit=2))["Records"]:
        records += page["Records"]
        start = page["NextShardIterator"]
    return records


def test_the_life_of_an_item(client, streams, raw_streams, customer):
    opened, stored = iterator(streams, "Orders"), iterator(raw_streams, "Orders")
    first = order(customer, 1, views={"N": "0"}, **ALL_TYPES)
    client.put_item(TableName="Orders", Item=first)
    for expression, values in [
        ("SET note = :n ADD #v :one", {":n": {"S": f"{SECRET} new"}, ":one": {"N": "1"}}),
        ("ADD #v :one", {":one": {"N": "1"}}),
    ]:
        client.update_item(
            TableName="Orders", Key=key(customer, 1), UpdateExpression=expression,
            ExpressionAttributeNames={"#v": "views"}, ExpressionAttributeValues=values,
        )
    client.delete_item(TableName="Orders", Key=key(customer, 1))

    records = read(streams, opened)
    changed = {**first, "note": {"S": f"{SECRET} new"}}
    images = [sets_sorted({**item, "views": {"N": str(at)}}) for at, item in enumerate([first, changed, changed])]
    shown = [[record["dynamodb"].get(image) for record in records] for image in ("OldImage", "NewImage")]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    assert [image and sets_sorted(image) for image in shown[0]] == [None, *images]
    assert [image and sets_sorted(image) for image in shown[1]] == [*images, None]

    sealed = read(raw_streams, stored)
    assert SECRET not in repr(sealed) and len(sealed) == len(records)
    for record, behind in zip(records, sealed):
        for member in ("ApproximateCreationDateTime", "Keys", "SequenceNumber", "SizeBytes", "StreamViewType"):
            assert record["dynamodb"][member] == behind["dynamodb"][member]


def test_a_record_that_does_not_verify_is_named_and_read_past(client, raw, streams, customer):
    start = iterator(streams, "Damaged")
    raw.put_item(TableName="Damaged", Item=order(customer, 1))
    client.put_item(TableName="Damaged", Item=order(customer, 2))
    with pytest.raises(ClientError) as caught:
        streams.get_records(ShardIterator=start)
    error = caught.value.response["Error"]
    place = re.match(r"DSL-3001: GetRecords on table Damaged, record 1, SequenceNumber (\d+), NewImage", error["Message"])
    assert error["Code"] == "ItemVerificationException" and place and SECRET not in error["Message"]
    behind = iterator(streams, "Damaged", ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=place[1])
    assert [record["dynamodb"]["NewImage"] for record in read(streams, behind)] == [order(customer, 2)]


def test_an_iterator_from_elsewhere_is_refused(streams, raw_streams):
    foreign = iterator(raw_streams, "Orders")
    with pytest.raises(ClientError) as caught:
        streams.get_records(ShardIterator=foreign)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException" and error["Message"].startswith("DSL-2007: GetRecords: ")
    assert "AFTER_SEQUENCE_NUMBER" in error["Message"]
