"""Orders, and what each client test asks of them."""

from conftest import SECRET


def order(customer, number, **more):
    return {
        "customer": {"S": customer},
        "number": {"N": str(number)},
        "status": {"S": "open" if number % 2 else "shipped"},
        "note": {"S": f"{SECRET} {number}"},
        **more,
    }


def key(customer, number):
    return {"customer": {"S": customer}, "number": {"N": str(number)}}


def put_orders(client, customer, count):
    for number in range(count):
        client.put_item(TableName="Orders", Item=order(customer, number))


ALL_TYPES = {
    "text": {"S": SECRET},
    "amount": {"N": "12.5"},
    "photo": {"B": SECRET.encode()},
    "paid": {"BOOL": True},
    "coupon": {"NULL": True},
    "tags": {"SS": [SECRET, "b"]},
    "sizes": {"NS": ["1", "2.5"]},
    "scans": {"BS": [b"\x00\xff", SECRET.encode()]},
    "lines": {"L": [{"M": {"sku": {"S": SECRET}, "count": {"N": "2"}}}, {"NULL": True}]},
    "address": {"M": {"street": {"S": SECRET}, "geo": {"L": [{"N": "1"}, {"N": "-2"}]}}},
    "empty": {"S": ""},
    "Ünïcode 😀": {"S": SECRET},
}


def sets_sorted(item):
    """Sets have no order."""
    def one(value):
        (kind, inner), = value.items()
        return {kind: sorted(inner)} if kind in ("SS", "NS", "BS") else value
    return {name: one(value) for name, value in item.items()}


def sealed(raw, customer, number, names, before=None):
    """The stored item: these attributes, the encrypted ones ciphertext, and other ciphertext than `before`."""
    stored = raw.get_item(TableName="Orders", Key=key(customer, number))["Item"]
    assert set(stored) == set(names)
    for name in set(stored) - {"customer", "number", "status", "views"}:
        assert list(stored[name]) == ["B"], name
        assert before is None or stored[name] != before.get(name), name
    assert SECRET not in repr(stored)
    return stored


def refused(caught, operation, name):
    """A refusal is the caller's error, says what and why, and repeats no value."""
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "DSL-2003" in error["Message"] and operation in error["Message"] and name in error["Message"]
    assert SECRET not in error["Message"]
