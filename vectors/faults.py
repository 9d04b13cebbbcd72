#!/usr/bin/env python3
"""Writes faults/ anew: each file is an item of valid/ with one fault, named after it, and the code that a reader must give.

    python3 vectors/faults.py

Only the standard library is used, and no key: whoever can write to a table can make each of these.
"""

import base64
import copy
import json
from pathlib import Path

HERE = Path(__file__).parent
V1, V2 = "v1-ecdsa-raw-aes-256", "v2-hmac-raw-aes-256"
HEAD, FOOT = "aws_dbe_head", "aws_dbe_foot"
UNSEALED, HALF, HEADER, LEGEND = "DSL-3001", "DSL-3002", "DSL-3003", "DSL-3004"
COMMITMENT, FOOTER, TAG, SIGNATURE, FIELD = "DSL-3006", "DSL-3007", "DSL-3008", "DSL-3009", "DSL-3010"
NO_KEY, NOT_UNWRAPPED = "DSL-4001", "DSL-4003"

FAULTS = {}


def fault(code, what, base=V1):
    """The function below, named after the fault, changes the file's object."""

    def keep(change):
        FAULTS[change.__name__] = (code, what, base, change)
        return change

    return keep


def of(vector, name):
    return bytearray(base64.b64decode(vector["encrypted"][name]["B"]))


def put(vector, name, data):
    vector["encrypted"][name] = {"B": base64.b64encode(bytes(data)).decode()}


def edit(vector, name, change):
    data = of(vector, name)
    changed = change(data)
    put(vector, name, data if changed is None else changed)


def flip(place):
    def change(data):
        data[place] ^= 1

    return change


def legend(data):
    """Where the legend's first letter stands, and how many there are."""
    return 36, int.from_bytes(data[34:36])


def context(data):
    """Where the stored context begins."""
    first, count = legend(data)
    return first + count


def data_keys(data):
    """Where the count of encrypted data keys stands."""
    place = context(data)
    pairs = int.from_bytes(data[place : place + 2])
    place += 2
    for _ in range(2 * pairs):
        place += 2 + int.from_bytes(data[place : place + 2])
    return place


@fault(UNSEALED, "neither header nor footer")
def item_unsealed(v):
    del v["encrypted"][HEAD], v["encrypted"][FOOT]


@fault(HALF, "no header")
def header_missing(v):
    del v["encrypted"][HEAD]


@fault(HALF, "no footer")
def footer_missing(v):
    del v["encrypted"][FOOT]


@fault(HALF, "the header is text")
def header_is_text(v):
    v["encrypted"][HEAD] = {"S": v["encrypted"][HEAD]["B"]}


@fault(HEADER, "the header has no byte")
def header_empty(v):
    put(v, HEAD, b"")


@fault(HEADER, "format version 3")
def header_version_unknown(v):
    edit(v, HEAD, lambda data: data.__setitem__(0, 3))


@fault(HEADER, "flavor 2")
def header_flavor_unknown(v):
    edit(v, HEAD, lambda data: data.__setitem__(1, 2))


@fault(HEADER, "the last byte of the commitment is missing")
def header_truncated(v):
    edit(v, HEAD, lambda data: data[:-1])


@fault(HEADER, "a byte after the commitment")
def header_trailing_byte(v):
    edit(v, HEAD, lambda data: data + b"\0")


@fault(HEADER, "a letter of the legend that no version knows")
def header_legend_letter_unknown(v):
    edit(v, HEAD, lambda data: data.__setitem__(legend(data)[0], ord("x")))


@fault(HEADER, "a letter of version 2 in the legend of version 1")
def header_legend_letter_of_version_2(v):
    edit(v, HEAD, lambda data: data.__setitem__(legend(data)[0], ord("c")))


@fault(LEGEND, "the legend has a letter less than signed attributes")
def header_legend_too_short(v):
    def change(data):
        first, count = legend(data)
        data[34:36] = (count - 1).to_bytes(2)
        del data[first + count - 1]

    edit(v, HEAD, change)


@fault(LEGEND, "the legend has a letter more than signed attributes")
def header_legend_too_long(v):
    def change(data):
        first, count = legend(data)
        data[34:36] = (count + 1).to_bytes(2)
        data[first + count : first + count] = b"s"

    edit(v, HEAD, change)


@fault(HEADER, "the stored context is announced longer than the header")
def header_context_overlong(v):
    edit(v, HEAD, lambda data: data.__setitem__(slice(context(data), context(data) + 2), b"\xff\xff"))


@fault(HEADER, "the pairs of the stored context are not in order")
def header_context_unsorted(v):
    def change(data):
        place = context(data)
        data[place + 1] += 1
        # Before "aws-crypto-public-key", which stands there already.
        data[place + 2 : place + 2] = b"\0\1z\0\1b"

    edit(v, HEAD, change)


@fault(HEADER, "no encrypted data key")
def header_no_data_key(v):
    def change(data):
        place = data_keys(data)
        del data[place + 1 : -32]
        data[place] = 0

    edit(v, HEAD, change)


@fault(NO_KEY, "a data key of another provider")
def header_data_key_of_another_provider(v):
    edit(v, HEAD, lambda data: data.__setitem__(data_keys(data) + 3, ord("y")))


@fault(NOT_UNWRAPPED, "a bit of the encrypted data key")
def header_data_key_changed(v):
    edit(v, HEAD, flip(-33))


@fault(COMMITMENT, "a bit of the message id")
def header_message_id_changed(v):
    edit(v, HEAD, flip(2))


@fault(COMMITMENT, "a bit of the commitment")
def header_commitment_changed(v):
    edit(v, HEAD, flip(-1))


@fault(HALF, "the footer is text")
def footer_is_text(v):
    v["encrypted"][FOOT] = {"S": "footer"}


@fault(FOOTER, "the footer has a byte less")
def footer_truncated(v):
    edit(v, FOOT, lambda data: data[:-1])


@fault(FOOTER, "a byte after the tag, in a suite without signatures", V2)
def footer_trailing_byte(v):
    edit(v, FOOT, lambda data: data + b"\0")


@fault(TAG, "a bit of the tag", V2)
def footer_tag_changed(v):
    edit(v, FOOT, flip(0))


@fault(SIGNATURE, "a bit of the signature's last number")
def footer_signature_changed(v):
    edit(v, FOOT, flip(-1))


@fault(TAG, "a bit of an encrypted value", V2)
def field_ciphertext_changed(v):
    edit(v, "b", flip(2))


@fault(TAG, "a bit of an encrypted value's tag", V2)
def field_tag_changed(v):
    edit(v, "b", flip(-1))


@fault(TAG, "an encrypted value says that it is of another type", V2)
def field_type_changed(v):
    edit(v, "b", flip(0))


@fault(TAG, "two encrypted values, each in the other's place", V2)
def fields_exchanged(v):
    item = v["encrypted"]
    item["b"], item["list"] = item["list"], item["b"]


@fault(TAG, "an encrypted attribute under another name of the same place in the order", V2)
def field_renamed(v):
    item = v["encrypted"]
    item["c"] = item.pop("b")
    v["config"]["actions"]["c"] = v["config"]["actions"]["b"]


@fault(FIELD, "text where the header says ciphertext", V2)
def field_in_clear(v):
    v["encrypted"]["b"] = {"S": "in clear"}


@fault(FIELD, "ciphertext shorter than type and tag", V2)
def field_too_short(v):
    put(v, "b", b"\xff\xff" + bytes(15))


@fault(LEGEND, "an encrypted attribute was taken out", V2)
def field_removed(v):
    del v["encrypted"]["b"]


@fault(LEGEND, "an attribute was added without sealing", V2)
def attribute_added(v):
    v["encrypted"]["added"] = {"S": "later"}
    v["config"]["actions"]["added"] = "SIGN_ONLY"


@fault(TAG, "a signed value that is stored readable", V2)
def signed_value_changed(v):
    v["encrypted"]["flag"] = {"BOOL": True}


@fault(TAG, "a signed value within a map", V2)
def signed_value_within_a_map_changed(v):
    v["encrypted"]["map"]["M"]["k3"] = {"NULL": True}


@fault(TAG, "a signed value of the same spelling and another type", V2)
def signed_type_changed(v):
    v["encrypted"]["flag"] = {"S": "false"}


@fault(NOT_UNWRAPPED, "the item under another partition key: the data key is bound to it")
def key_attribute_changed(v):
    v["encrypted"]["pk"] = {"S": "tenant#8"}


@fault(LEGEND, "the partition key is missing")
def key_attribute_missing(v):
    del v["encrypted"]["pk"]


@fault(NOT_UNWRAPPED, "the item in another table: the data key is bound to its name")
def table_of_another_name(v):
    v["config"]["table"] = "Customers"


@fault(NOT_UNWRAPPED, "another key of the same namespace and name")
def key_of_another_value(v):
    v["keyrings"] = [dict(KEYS["raw-aes-0ecca9"], key=base64.b64encode(bytes(range(32))).decode())]


@fault(NO_KEY, "a key of another name")
def key_of_another_name(v):
    v["keyrings"] = [dict(KEYS["raw-aes-0ecca9"], name="other")]


KEYS = json.loads((HERE / "keys.json").read_text())


def main():
    folder = HERE / "faults"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, (code, what, base, change) in FAULTS.items():
        valid = json.loads((HERE / "valid" / f"{base}.json").read_text())
        vector = copy.deepcopy(valid)
        change(vector)
        assert vector != valid, name
        kept = {part: vector[part] for part in ("config", "keyrings", "encrypted")}
        made = {"what": what, "of": base, "code": code, **kept}
        (folder / f"{name}.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(FAULTS)} files")


if __name__ == "__main__":
    main()
