"""PynamoDB through the gateway: a model on a protected table and on a plain one, which it must not be able to tell apart."""

from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError
from conftest import SECRET
from devices import CONNECTION, model, values
from orders import sets_sorted
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactGet, TransactWrite


@pytest.fixture(scope="module")
def models(gateway):
    """The model of each table, which PynamoDB creates through the gateway."""
    models = {table: model(table, gateway.url) for table in ("DevicesPlain", "Devices")}
    for device in models.values():
        device.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    return models


def on_both(steps):
    """
    Runs the same steps on both tables and asserts that every call was answered the same: items, counts, pages and errors.
    What the steps assert themselves is thereby asserted of DynamoDB, too.
    """
    def test(models, monkeypatch):
        calls = {}
        for table, device in models.items():
            with monkeypatch.context() as patch:
                calls[table] = record(patch, table)
                steps(device)
        assert calls["Devices"] and calls["Devices"] == calls["DevicesPlain"]
    test.__name__, test.__doc__ = steps.__name__, steps.__doc__
    return test


def record(patch, table):
    """What every connection of PynamoDB is answered from now on, call by call."""
    calls, dispatch = [], Connection.dispatch

    def listen(self, operation, arguments):
        try:
            answer = dispatch(self, operation, arguments)
        except ClientError as error:
            reasons = [reason and vars(reason) for reason in error.cancellation_reasons]
            calls.append((operation, comparable(table, {**error.response["Error"], "Reasons": reasons})))
            raise
        calls.append((operation, comparable(table, answer)))
        return answer
    patch.setattr(Connection, "dispatch", listen)
    return calls


def comparable(table, answer, name=None):
    """Without what no two calls have in common; sets have no order, and a sealed item has another size."""
    if isinstance(answer, dict):
        kept = answer.keys() - {"ResponseMetadata", "CapacityUnits"}
        return {key.replace(table, "TABLE"): comparable(table, answer[key], key) for key in kept}
    if isinstance(answer, list):
        inner = [comparable(table, value) for value in answer]
        return sorted(inner) if name in ("SS", "NS", "BS") else inner
    return answer.replace(table, "TABLE") if isinstance(answer, str) else answer


def shown(device):
    return sets_sorted(device.serialize())


def new(kind, tenant, serial, version=1, **more):
    """A device as it is after `version` writes."""
    return kind(**values(tenant, serial, **more), version=version)


def save(kind, *arguments, **more):
    device = kind(**values(*arguments, **more))
    device.save()
    return device


def failed(caught, error):
    assert caught.type is error
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    assert caught.value.cause_response_message == "The conditional request failed"


EVERYTHING = {
    "active": False,
    "tags": {"a", SECRET},
    "ports": {1, 2.5},
    "photo": b"\x00\xff" + SECRET.encode(),
    "settings": {"mode": SECRET, "levels": [1, None, {"x": 1.5}]},
    "readings": [1, "two", {"three": 3}, [SECRET]],
    "place": {"city": SECRET, "floor": -1.5, "where": {"room": SECRET}},
    "bought": datetime(2020, 2, 29, 12, 30, 15, 123456, tzinfo=timezone.utc),
}


@on_both
def test_save_get_and_refresh(device):
    saved = save(device.Sensor, "save", 1, unit="C", **EVERYTHING)
    assert saved.version == 1
    found = device.get("save", 1, consistent_read=True)
    assert type(found) is device.Sensor
    assert shown(found) == shown(new(device.Sensor, "save", 1, unit="C", **EVERYTHING))
    assert (found.bought, found.photo, found.settings) == tuple(EVERYTHING[name] for name in ("bought", "photo", "settings"))
    part = device.Sensor.get("save", 1, attributes_to_get=["name", "place", "kind"])
    assert (part.name, part.place.city, part.settings) == (f"{SECRET} 1", SECRET, None)
    with pytest.raises(device.DoesNotExist):
        device.get("save", 404)

    found.name = f"{SECRET} changed"
    found.save()
    saved.refresh()
    assert (saved.name, saved.version) == (f"{SECRET} changed", 2)


@on_both
def test_create_only_if_there_is_none(device):
    save(device.Lamp, "create", 1, colour=SECRET)
    other = device.Lamp(**values("create", 1, name="other"))
    with pytest.raises(PutError) as caught:
        other.save(device.tenant.does_not_exist())
    failed(caught, PutError)
    # Without a version it must be new in any case.
    with pytest.raises(PutError) as caught:
        other.save()
    failed(caught, PutError)
    assert shown(device.get("create", 1)) == shown(new(device.Lamp, "create", 1, colour=SECRET))


@on_both
def test_the_version_locks_optimistically(device):
    save(device.Sensor, "lock", 1)
    mine, theirs = device.get("lock", 1), device.get("lock", 1)
    mine.update([device.price.set(1)])
    assert mine.version == 2
    with pytest.raises(UpdateError) as caught:
        theirs.update([device.price.set(2)])
    failed(caught, UpdateError)
    with pytest.raises(PutError) as caught:
        theirs.save()
    failed(caught, PutError)
    with pytest.raises(DeleteError) as caught:
        theirs.delete()
    failed(caught, DeleteError)
    theirs.refresh()
    assert (theirs.price, theirs.version) == (1, 2)
    theirs.save()
    assert theirs.version == 3
    with pytest.raises(DeleteError) as caught:
        mine.delete()
    failed(caught, DeleteError)
    theirs.delete()
    with pytest.raises(device.DoesNotExist):
        device.get("lock", 1)


@on_both
def test_update_with_every_action(device):
    item = save(
        device.Sensor, "update", 1, tags={"a", "b"}, ports={1, 2}, readings=[1, "gone"], settings={"old": 1}, active=True,
        place={"city": "Rome", "floor": 2},
    )
    answer = item.update([
        device.name.set(f"{SECRET} new"),
        device.price.set(device.price - 3),
        device.tags.delete({"a", "none"}),
        device.ports.add({7.5}),
        device.readings.set(device.readings.append([{"deep": SECRET}])),
        device.settings.set({"new": [SECRET]}),
        device.place.city.set(SECRET),
        device.place.floor.set(device.place.floor + 0.5),
        device.active.remove(),
        device.bought.set(device.bought | datetime(2021, 1, 1, tzinfo=timezone.utc)),
        device.seen.set(datetime(2030, 1, 1, tzinfo=timezone.utc)),
    ])
    expected = new(
        device.Sensor, "update", 1, version=2, price=7, tags={"b"}, ports={1, 2, 7.5}, settings={"new": [SECRET]},
        readings=[1, "gone", {"deep": SECRET}], place={"city": SECRET, "floor": 2.5},
    )
    expected.name, expected.bought = f"{SECRET} new", datetime(2021, 1, 1, tzinfo=timezone.utc)
    expected.seen = datetime(2030, 1, 1, tzinfo=timezone.utc)
    assert set(answer["Attributes"]) == set(expected.serialize())
    assert shown(item) == shown(expected) == shown(device.get("update", 1))

    item.update([
        device.price.add(1.25),
        device.readings[0].set("first"),
        device.readings[1].remove(),
        device.name.set(device.name | "another"),
        device.tags.delete({"b"}),
    ])
    expected.price, expected.readings, expected.tags, expected.version = 8.25, ["first", {"deep": SECRET}], None, 3
    assert shown(item) == shown(expected) == shown(device.get("update", 1))
    item.update([device.readings.set(device.readings.prepend(["zero"]))])
    assert device.get("update", 1).readings == ["zero", "first", {"deep": SECRET}]


@on_both
def test_an_update_creates_what_is_not_there(device):
    item = device.Lamp("upsert", 1)
    item.update([
        device.Lamp.kind.set(device.Lamp), device.name.set(SECRET), device.price.add(3), device.tags.add({"a"}),
        device.owner.set("upsert ada"), device.seen.set(datetime(2024, 1, 2, tzinfo=timezone.utc)),
    ])
    expected = shown(new(device.Lamp, "upsert", 1, name=SECRET, price=3, tags={"a"}))
    assert shown(item) == shown(device.get("upsert", 1)) == expected


@on_both
def test_conditions_on_encrypted_attributes(device):
    item = save(device.Sensor, "condition", 1, tags={"a", "b"}, readings=[5], place={"city": "Rome", "floor": 2})
    holds = (
        device.name.startswith(SECRET) & device.price.between(5, 15) & device.tags.contains("b")
        & (device.place.floor > 1) & device.active.does_not_exist() & ~(device.place.city == "Bern")
        & device.readings[0].is_in(4, 5) & device.readings.is_type() & (device.bought.exists() | (device.price <= 10))
    )
    before = shown(device.get("condition", 1))
    with pytest.raises(UpdateError) as caught:
        item.update([device.name.set("new")], holds & (device.price > 10))
    failed(caught, UpdateError)
    with pytest.raises(PutError) as caught:
        item.save(device.name == "other")
    failed(caught, PutError)
    with pytest.raises(DeleteError) as caught:
        item.delete(~holds)
    failed(caught, DeleteError)
    assert shown(device.get("condition", 1)) == before

    item.refresh()
    item.update([device.active.set(True)], holds)
    item.active = None
    item.save(device.active == True)  # noqa: E712, an operator of PynamoDB's
    item.delete(holds)
    assert list(device.query("condition")) == []


@on_both
def test_query_by_key_with_filters_on_encrypted_attributes(device):
    for serial in range(9):
        save(device.Lamp if serial % 3 else device.Sensor, "query", serial, place={"city": f"{SECRET} {serial % 2}"})

    def serials(*arguments, of=device, **more):
        return [item.serial for item in of.query("query", *arguments, **more)]

    odd = device.place.city == f"{SECRET} 1"
    assert [shown(item) for item in device.query("query", device.serial == 4)] == [
        shown(new(device.Lamp, "query", 4, place={"city": f"{SECRET} 0"})),
    ]
    assert serials(device.serial.between(2, 4), scan_index_forward=False) == [4, 3, 2]
    assert serials(filter_condition=odd & ((device.price >= 50) | device.name.startswith(f"{SECRET} 1"))) == [1, 5, 7]
    # A subclass is a filter on its kind, which is encrypted.
    assert serials(of=device.Sensor) == [0, 3, 6]
    assert serials(of=device.Lamp, filter_condition=odd) == [1, 5, 7]
    assert device.count("query", filter_condition=odd) == 4
    assert device.Sensor.count("query", device.serial > 0) == 2
    assert serials(filter_condition=odd, limit=3, page_size=2) == [1, 3, 5]
    assert serials(filter_condition=odd, last_evaluated_key={"tenant": {"S": "query"}, "serial": {"N": "3"}}) == [5, 7]
    named = list(device.query("query", device.serial < 2, filter_condition=odd, attributes_to_get=["name", "kind"]))
    assert [(item.name, item.place) for item in named] == [(f"{SECRET} 1", None)]


@on_both
def test_query_of_indexes(device):
    for serial in range(6):
        save(device.Lamp if serial % 2 else device.Sensor, "index", serial, settings={"of": serial})
    owner, since = "index ada", datetime(2024, 1, 3, tzinfo=timezone.utc)
    found = list(device.by_owner.query(owner, device.seen >= since, filter_condition=device.price < 50))
    assert [shown(item) for item in found] == [
        shown(new(device.Lamp if serial % 2 else device.Sensor, "index", serial, settings={"of": serial}))
        for serial in (2, 3, 4)
    ]
    assert device.by_owner.count(owner, filter_condition=device.name == f"{SECRET} 5") == 1
    assert [item.serial for item in device.Lamp.by_owner.query(owner, scan_index_forward=False)] == [5, 3, 1]
    # This index has a few attributes only.
    names = list(device.names.query(owner, device.serial > 3))
    assert [(item.serial, item.name, item.price, item.settings) for item in names] == [
        (4, f"{SECRET} 4", 40, None), (5, f"{SECRET} 5", 50, None),
    ]
    assert [item.serial for item in device.names.query(owner, filter_condition=device.price.is_in(10, 30))] == [1, 3]
    assert list(device.names.query(owner, filter_condition=device.settings.exists())) == []


@on_both
def test_scan_with_a_filter_on_encrypted_attributes(device):
    for serial in range(5):
        save(device.Sensor, "scan", serial, settings=[SECRET, serial])
    expected = [shown(new(device.Sensor, "scan", serial, settings=[SECRET, serial])) for serial in (2, 3, 4)]
    ours = (device.tenant == "scan") & (device.price > 10)
    found = sorted(device.Sensor.scan(ours, page_size=3), key=lambda item: item.serial)
    assert [shown(item) for item in found] == expected
    halves = [item for segment in (0, 1) for item in device.scan(ours, segment=segment, total_segments=2)]
    assert [shown(item) for item in sorted(halves, key=lambda item: item.serial)] == expected
    assert list(device.Lamp.scan(ours)) == []


@on_both
def test_batches(device):
    with device.batch_write() as batch:
        for serial in range(30):
            batch.save(device.Sensor(**values("batch", serial, place={"city": SECRET})))
    with device.batch_write() as batch:
        for serial in range(1, 29):
            batch.delete(device.Sensor("batch", serial))
    found = sorted(device.batch_get([("batch", serial) for serial in (0, 5, 29)]), key=lambda item: item.serial)
    place = {"city": SECRET}
    assert [shown(item) for item in found] == [
        shown(device.Sensor(**values("batch", serial, place=place))) for serial in (0, 29)
    ]
    names = device.batch_get([("batch", 29)], attributes_to_get=["name", "kind"])
    assert [item.name for item in names] == [f"{SECRET} 29"]


@on_both
def test_transactions(device):
    first, second, third = (save(device.Sensor, "transact", serial) for serial in (1, 2, 3))
    save(device.Sensor, "transact", 4)
    connection = Connection(host=device.Meta.host, **CONNECTION)

    def write(checked):
        second.price = 7
        with TransactWrite(connection=connection) as transaction:
            transaction.condition_check(device, "transact", 4, condition=device.name == checked)
            transaction.delete(third, condition=device.price == 30)
            transaction.save(second, condition=device.name.startswith(SECRET))
            transaction.save(device.Lamp(**values("transact", 5, colour=SECRET)), condition=device.tenant.does_not_exist())
            transaction.update(
                first, [device.name.set(f"{SECRET} new"), device.price.add(1)], condition=device.price == 10,
                return_values="ALL_OLD",
            )

    with pytest.raises(TransactWriteError) as caught:
        write(SECRET)
    assert caught.value.cause_response_code == "TransactionCanceledException"
    codes = [reason and reason.code for reason in caught.value.cancellation_reasons]
    assert codes == ["ConditionalCheckFailed", None, None, None, None]
    with pytest.raises(device.DoesNotExist):
        device.get("transact", 5)

    write(f"{SECRET} 4")
    assert (first.version, second.version) == (2, 2)
    with TransactGet(connection=connection) as transaction:
        futures = [transaction.get(device, "transact", serial) for serial in (1, 2, 4, 5)]
    assert [shown(future.get()) for future in futures] == [
        shown(new(device.Sensor, "transact", 1, version=2, name=f"{SECRET} new", price=11)),
        shown(new(device.Sensor, "transact", 2, version=2, price=7)),
        shown(new(device.Sensor, "transact", 4)),
        shown(new(device.Lamp, "transact", 5, colour=SECRET)),
    ]
    assert [item.serial for item in device.query("transact")] == [1, 2, 4, 5]

    # Another has the version, and the transaction says with which item.
    stale = device.get("transact", 1)
    device.get("transact", 1).update([device.price.set(99)])
    with pytest.raises(TransactWriteError) as caught:
        with TransactWrite(connection=connection) as transaction:
            transaction.update(stale, [device.price.set(0)], return_values="ALL_OLD")
    reason, = caught.value.cancellation_reasons
    assert reason.code == "ConditionalCheckFailed"
    assert (reason.raw_item["price"], reason.raw_item["name"]) == ({"N": "99"}, {"S": f"{SECRET} new"})


def test_what_is_stored_is_sealed(models, raw):
    for table, device in models.items():
        save(device.Sensor, "stored", 1, unit=SECRET, **EVERYTHING).update([device.price.add(1), device.name.set(SECRET)])
        stored = raw.get_item(TableName=table, Key={"tenant": {"S": "stored"}, "serial": {"N": "1"}})["Item"]
        keys = {"tenant", "serial", "owner", "seen"}
        names = {*values("stored", 1), *EVERYTHING, "unit", "version", "kind"}
        if table == "Devices":
            assert set(stored) == names | {"aws_dbe_head", "aws_dbe_foot"}
            assert all(list(stored[name]) == ["B"] for name in set(stored) - keys)
            assert SECRET not in repr(stored)
        else:
            assert set(stored) == names
            assert stored["name"] == {"S": SECRET} and stored["kind"] == {"S": "sensor"}
