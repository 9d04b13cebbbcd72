"""A PynamoDB model of devices, on two tables: Devices is protected and DevicesPlain is not."""

from datetime import datetime, timezone

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from conftest import SECRET

CONNECTION = {"region": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Place(MapAttribute):
    city = UnicodeAttribute()
    floor = NumberAttribute(null=True)
    where = MapAttribute(null=True)


def model(table, url):
    """The classes for one of the tables."""

    class ByOwner(GlobalSecondaryIndex):
        class Meta:
            index_name = "by-owner"
            projection = AllProjection()

        owner = UnicodeAttribute(hash_key=True)
        seen = UTCDateTimeAttribute(range_key=True)

    class Names(GlobalSecondaryIndex):
        class Meta:
            index_name = "names"
            projection = IncludeProjection(["name", "price", "kind"])

        owner = UnicodeAttribute(hash_key=True)
        serial = NumberAttribute(range_key=True)

    class Device(Model):
        class Meta:
            table_name = table
            host = url
            max_retry_attempts = 0
            region = CONNECTION["region"]
            aws_access_key_id = CONNECTION["aws_access_key_id"]
            aws_secret_access_key = CONNECTION["aws_secret_access_key"]

        tenant = UnicodeAttribute(hash_key=True)
        serial = NumberAttribute(range_key=True)
        owner = UnicodeAttribute()
        seen = UTCDateTimeAttribute()
        name = UnicodeAttribute()
        price = NumberAttribute(default=0)
        active = BooleanAttribute(null=True)
        tags = UnicodeSetAttribute(null=True)
        ports = NumberSetAttribute(null=True)
        photo = BinaryAttribute(null=True, legacy_encoding=False)
        settings = JSONAttribute(null=True)
        readings = ListAttribute(null=True)
        place = Place(null=True)
        bought = UTCDateTimeAttribute(null=True)
        version = VersionAttribute()
        kind = DiscriminatorAttribute()

        by_owner = ByOwner()
        names = Names()

    class Sensor(Device, discriminator="sensor"):
        unit = UnicodeAttribute(null=True)

    class Lamp(Device, discriminator="lamp"):
        colour = UnicodeAttribute(null=True)

    Device.Sensor, Device.Lamp = Sensor, Lamp
    return Device


def values(tenant, serial, **more):
    """What the tests give a new device."""
    return {
        "tenant": tenant,
        "serial": serial,
        "owner": f"{tenant} ada",
        "seen": datetime(2024, 1, 1 + serial, tzinfo=timezone.utc),
        "name": f"{SECRET} {serial}",
        "price": serial * 10,
        **more,
    }
