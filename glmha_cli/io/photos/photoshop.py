"""Photoshop image resources, where JPEG and TIFF keep IPTC data (Adobe Photoshop File Formats Specification)."""

import struct

IPTC = 0x0404
IIM_MARK = b"\x1c"  # of each data set (IPTC-IIM 4.2, section 1.5)
_THUMBNAILS = {0x0409, 0x040C}


def wrapped_iptc(record: bytes) -> bytes:
    """IPTC-IIM data as the only resource of a block; its bytes in their order, which a TIFF of the other byte order has
    in fours the other way round where its writer took them for numbers (libtiff).
    """
    if record[3:4] == IIM_MARK and not record.startswith(IIM_MARK):
        record = b"".join(record[at : at + 4][::-1] for at in range(0, len(record), 4))
    return b"8BIM" + struct.pack(">HHI", IPTC, 0, len(record)) + record + bytes(len(record) % 2)


def resources(block: bytes) -> list[tuple[int, bytes, bytes]]:
    """(number, all bytes of the resource, its data). ValueError where the block is no list of resources."""
    found, at = [], 0
    while at + 12 <= len(block):
        signature, number, name_size = struct.unpack_from(">4sHB", block, at)
        if not signature.isalnum():
            raise ValueError("no image resource")
        data_at = at + 6 + (name_size + 2) // 2 * 2 + 4
        (size,) = struct.unpack_from(">I", block, data_at - 4) if data_at <= len(block) else (len(block),)
        end = data_at + size + size % 2
        if data_at + size > len(block):
            raise ValueError("an image resource is cut")
        found.append((number, block[at:end], block[data_at : data_at + size]))
        at = end
    return found


def without_thumbnails(block: bytes) -> bytes:
    """They would show the photo before restoration. ValueError as in `resources`."""
    return b"".join(whole for number, whole, _ in resources(block) if number not in _THUMBNAILS)


def iptc_of(block: bytes) -> bytes:
    """The IPTC-IIM data in the block, or nothing."""
    try:
        return next((data for number, _, data in resources(block) if number == IPTC), b"")
    except ValueError:
        return b""
