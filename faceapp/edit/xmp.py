"""XMP metadata: the packet, and its place in each kind of file.

Source: XMP specification, part 1 (ISO 16684-1) for the packet and part 3 for the places in GIF, MPEG-4, PNG
and WebP files.
"""

from __future__ import annotations

import html
import re
import struct
import zlib
from collections.abc import Callable

_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEYWORD = b"XML:com.adobe.xmp"
_WEBP_HAS_XMP = 0x04
_GIF_HEAD = b"\x21\xff\x0bXMP DataXMP"
# Whoever does not know the block reads it as data blocks: from anywhere in the packet the trailer leads out.
_GIF_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)


def packet(description: str, history: str, source_type: str, tool: str, when: str) -> bytes:
    """A packet that says what was done to a picture. when: a moment as ISO 8601 has it."""
    values = [html.escape(text, quote=True) for text in (description, history, source_type, tool, when)]
    return _TEMPLATE.format(*values).encode()


def add_to(data: bytes, suffix: str, xmp: bytes) -> bytes:
    """A finished GIF, WebP or PNG file with the packet in it. Raises ValueError where it has no place."""
    return _PLACES[suffix](data, xmp)


def movie_box(xmp: bytes) -> bytes:
    """The box that is appended to an MPEG-4 or QuickTime file: nothing in the file moves."""
    return struct.pack(">I", 24 + len(xmp)) + b"uuid" + _UUID + xmp


def find(data: bytes) -> str:
    """The first packet in a file's bytes; "" where there is none."""
    found = _PACKET.search(data)
    return found[0].decode("utf-8", "replace") if found else ""


def _gif(data: bytes, xmp: bytes) -> bytes:
    """Behind the head and its colour table, before the first picture."""
    if not data.startswith(b"GIF8") or len(data) < 13 or not data.rstrip(b"\0").endswith(b";"):
        raise ValueError("the GIF file is not whole")
    table = 3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0
    first = 13 + table
    return b"GIF89a" + data[6:first] + _GIF_HEAD + xmp + _GIF_TRAILER + data[first:]


def _webp(data: bytes, xmp: bytes) -> bytes:
    """Only the extended form has a place for metadata; animations always have it."""
    if data[12:16] != b"VP8X":
        raise ValueError("the WebP file is not of the extended form")
    flagged = data[:20] + bytes((data[20] | _WEBP_HAS_XMP,)) + data[21:]
    body = flagged[8:] + b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _png(data: bytes, xmp: bytes) -> bytes:
    first = len(_PNG) + 25  # behind the header chunk
    if not data.startswith(_PNG) or len(data) < first:
        raise ValueError("the PNG file has no header")
    body = b"iTXt" + _PNG_KEYWORD + b"\0\0\0\0\0" + xmp
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:first] + chunk + data[first:]


_PLACES: dict[str, Callable[[bytes, bytes], bytes]] = {".gif": _gif, ".webp": _webp, ".png": _png}
_TEMPLATE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{0}</rdf:li></rdf:Alt></dc:description>
   <photoshop:History>{1}</photoshop:History>
   <Iptc4xmpExt:DigitalSourceType>{2}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{3}</xmp:CreatorTool>
   <xmp:ModifyDate>{4}</xmp:ModifyDate>
   <xmpMM:History><rdf:Seq><rdf:li rdf:parseType="Resource">
     <stEvt:action>edited</stEvt:action>
     <stEvt:parameters>{1}</stEvt:parameters>
     <stEvt:softwareAgent>{3}</stEvt:softwareAgent>
     <stEvt:when>{4}</stEvt:when>
   </rdf:li></rdf:Seq></xmpMM:History>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
