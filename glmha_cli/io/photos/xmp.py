"""XMP packets that say what is no longer so, mended (ISO 16684-1; Android motion photo format 1.0; Ultra HDR 1.1)."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from glmha_cli.io.photos.metadata import Extra, Kind, Metadata


def _property(names: bytes) -> re.Pattern[bytes]:
    """A property in any of its forms (ISO 16684-1, section 7): an attribute, or an element of text or of a list.

    Content takes in no other property, so a search costs no more than the packet is long.
    """
    attribute = rb"""\s%s\s*=\s*(?:"[^"]*"|'[^']*')"""
    element = rb"""<(?P<name>%s)(?:[\s/][^<>]*+)?>(?:(?<=/>)|[^<]*+(?:</?rdf:[^<>]*+>[^<]*+)*+</(?P=name)>)"""
    return re.compile(attribute % names + b"|" + element % names)


_CLAIMS = re.compile(rb"""((?:MotionPhoto|MicroVideo)\s*(?:=\s*["']|>)\s*)1""")
_OFFSETS = _property(rb"[\w.-]+:(?:MicroVideoOffset|MotionPhotoPresentationTimestampUs)")
_GAIN_MAP = _property(rb"(?:hdrgm|HDRGainMap):\w+")
_THUMBNAILS = re.compile(
    rb"<(?P<name>[\w.-]+:Thumbnails)(?:\s[^<>]*+)?>[^<]*+(?:<(?!/?[\w.-]+:Thumbnails)[^<]*+)*+</(?P=name)>"
)
_ITEM, _ITEM_END = b"<rdf:li", b"</rdf:li>"
_SECONDARY = re.compile(rb"""Semantic\s*(?:=\s*["']|>)\s*(?!Primary)\w+""")
_EXTENDED = _property(rb"[\w.-]+:HasExtendedXMP")


def with_xmp(metadata: Metadata, change: Callable[[bytes], bytes]) -> Metadata:
    """With its packet changed, and the extended part of it, which the packet names by its MD5 (XMP part 3, 1.1.3.1)."""
    xmp, extras = change(metadata.xmp), list[Extra]()
    for extra in metadata.extras:
        if extra.kind == Kind.EXTENDED_XMP and (body := change(extra.body)) != extra.body:
            guid = hashlib.md5(body, usedforsecurity=False).hexdigest().upper().encode()
            xmp, extra = xmp.replace(extra.key, guid), replace(extra, key=guid, body=body)
        extras.append(extra)
    return replace(metadata, xmp=xmp, extras=tuple(extras))


def with_true_xmp(metadata: Metadata) -> Metadata:
    """Without claims in XMP that a video, a gain map or further items follow the picture, since only that is restored,
    and without thumbnails, which show it before.
    """
    metadata = with_xmp(metadata, _true)
    is_whole = metadata.of(Kind.EXTENDED_XMP)
    return metadata if is_whole else replace(metadata, xmp=without_extension(metadata.xmp))


def _true(xmp: bytes) -> bytes:
    xmp = _GAIN_MAP.sub(b"", _OFFSETS.sub(b"", _CLAIMS.sub(rb"\g<1>0", xmp)))
    return _without_further_items(_THUMBNAILS.sub(b"", xmp))


def _without_further_items(xmp: bytes) -> bytes:
    """In one pass, since packets of megabytes come from anyone."""
    kept, at = [], 0
    while (start := xmp.find(_ITEM, at)) >= 0 and (end := xmp.find(_ITEM_END, start)) >= 0:
        end += len(_ITEM_END)
        is_secondary = _SECONDARY.search(xmp, start, end)
        kept.append(xmp[at : start if is_secondary else end])
        at = end
    return b"".join([*kept, xmp[at:]])


def without_extension(xmp: bytes) -> bytes:
    """The packet without the name of an extended part that is not there."""
    return _EXTENDED.sub(b"", xmp)
