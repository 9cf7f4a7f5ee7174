"""JSON of the wire to dataclasses, and back.

The dataclasses are the one description of the answers: names, types and what may be missing are read off them.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

ModelT = TypeVar("ModelT", bound="Model")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Base of everything that is read from an answer.

    Attributes:
        extra: Fields of the answer that this version of the package does not know, by their names on the wire.
    """

    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any], hash=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that the gateway sent, with its names, unknown fields included."""
        out: dict[str, Any] = dict(self.extra)
        for field in _fields(type(self)):
            value = getattr(self, field.attribute)
            if field.optional and value == field.default:
                continue
            out[field.wire] = _encode(value)
        return out


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    attribute: str
    wire: str
    hint: Any
    optional: bool
    default: Any


@functools.cache
def _fields(cls: type[Model]) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        _Field(
            attribute=field.name,
            wire=re.sub("_([a-z])", lambda match: match[1].upper(), field.name),
            hint=hints[field.name],
            optional=field.default is not dataclasses.MISSING,
            default=field.default,
        )
        for field in dataclasses.fields(cls)
        if field.name != "extra" and not field.metadata.get("local")
    )


def local(default: Any) -> Any:
    """Declare a field that is not part of the JSON and plays no part in comparing."""
    return dataclasses.field(default=default, compare=False, repr=False, metadata={"local": True})


def decode(cls: type[ModelT], data: object, **more: Any) -> ModelT:
    """Make a `cls` of a JSON value.

    Args:
        cls: The dataclass.
        data: What `json.loads` returned.
        **more: Fields that do not come from the JSON.

    Raises:
        ValueError: Where `data` is not of that form. The message says what is wrong and where.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{_name(data)} instead of an object")
    rest = dict(typing.cast("dict[str, Any]", data))
    for field in _fields(cls):
        value = rest.pop(field.wire, None)
        if value is None:
            if not field.optional:
                raise ValueError(f"{field.wire} is missing")
            continue
        try:
            more[field.attribute] = _convert(field.hint, value)
        except ValueError as e:
            raise ValueError(f"{field.wire}: {e}") from None
    return cls(**more, extra=rest)


def _convert(hint: Any, value: object) -> object:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):  # only ever with None, which decode has dealt with
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
        return _convert(hint, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{_name(value)} instead of an array")
        item = typing.get_args(hint)[0]
        return tuple(_convert(item, each) for each in typing.cast("list[object]", value))
    if isinstance(hint, type) and issubclass(hint, Model):
        return decode(hint, value)
    if hint is datetime:
        return parse_time(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{_name(value)} instead of {hint.__name__}")
    return value


def _encode(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_encode(each) for each in typing.cast("tuple[Any, ...]", value)]
    if isinstance(value, datetime):
        text = value.astimezone(timezone.utc).isoformat().removesuffix("+00:00")
        return (text.rstrip("0") if "." in text else text) + "Z"
    return value


def _name(value: object) -> str:
    return "null" if value is None else type(value).__name__


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_time(value: object) -> datetime:
    """Parse an RFC 3339 time, to the microsecond.

    `datetime.fromisoformat` of Python 3.10 knows neither Z nor nanoseconds.

    Raises:
        ValueError: Where `value` is none.
    """
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a time in RFC 3339")
    date, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    leap = clock.endswith(":60")  # a leap second is the second after :59
    time = datetime.fromisoformat(f"{date}T{clock[:-2] + '59' if leap else clock}{zone}").astimezone(timezone.utc)
    return time + timedelta(seconds=int(leap), microseconds=int((fraction or "")[:6].ljust(6, "0")))
