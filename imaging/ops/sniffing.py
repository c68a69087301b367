"""What a file is, judged by its first bytes alone. Names and declared types are claims; these bytes are not."""

from enum import StrEnum

SNIFF_BYTES = 4096


class MediaKind(StrEnum):
    """The kinds of file told apart; `OTHER` is everything else."""

    JPEG = "jpeg"
    PNG = "png"
    HEIC = "heic"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    MP4 = "mp4"
    MOV = "mov"
    WEBM = "webm"
    MKV = "mkv"
    AVI = "avi"
    OTHER = "other"

    @property
    def is_image(self) -> bool:
        """Whether this kind holds a still picture."""
        return self in _IMAGES

    @property
    def is_video(self) -> bool:
        """Whether this kind holds a video."""
        return self in _VIDEOS

    @property
    def mime(self) -> str:
        """Return the media type to serve or store such a file with."""
        return _MIME.get(self, "application/octet-stream")

    @property
    def extension(self) -> str:
        """Return the usual file name extension, dot included."""
        return _EXTENSION.get(self, f".{self.value}" if self is not MediaKind.OTHER else ".bin")


_MIME = {
    MediaKind.JPEG: "image/jpeg",
    MediaKind.PNG: "image/png",
    MediaKind.HEIC: "image/heic",
    MediaKind.WEBP: "image/webp",
    MediaKind.AVIF: "image/avif",
    MediaKind.GIF: "image/gif",
    MediaKind.MP4: "video/mp4",
    MediaKind.MOV: "video/quicktime",
    MediaKind.WEBM: "video/webm",
    MediaKind.MKV: "video/x-matroska",
    MediaKind.AVI: "video/x-msvideo",
}
_EXTENSION = {MediaKind.JPEG: ".jpg"}
_IMAGES = frozenset(kind for kind, mime in _MIME.items() if mime.startswith("image/"))
_VIDEOS = frozenset(kind for kind, mime in _MIME.items() if mime.startswith("video/"))

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MP4_BRANDS = frozenset(
    {b"isom", b"avc1", b"mp41", b"mp42", b"mmp4", b"dash", b"MSNV", b"M4V ", b"M4VH", b"M4VP", b"f4v ", b"XAVC"}
)
# ISO 14496-12 numbers its own brands (iso2 ... isoc) and 3GPP its releases (3gp4 ... 3g2c); both are the mp4 family.
_MP4_BRAND_PREFIXES = (b"iso", b"3gp", b"3g2")
# QuickTime before 2001 had no `ftyp`; these boxes may come first instead.
_BARE_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_EBML_MAGIC = b"\x1aE\xdf\xa3"
_EBML_DOCTYPE = b"\x42\x82"


def sniff(head: bytes) -> MediaKind:
    """Return the kind of the file that begins with `head` (the first 4096 bytes or fewer are looked at)."""
    head = head[:SNIFF_BYTES]
    if head.startswith(b"\xff\xd8\xff"):
        return MediaKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaKind.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return MediaKind.GIF
    if head.startswith(b"RIFF"):
        return {b"AVI ": MediaKind.AVI, b"WEBP": MediaKind.WEBP}.get(head[8:12], MediaKind.OTHER)
    if head.startswith(_EBML_MAGIC):
        return _sniff_ebml(head)
    return _sniff_isobmff(head)


def _sniff_ebml(head: bytes) -> MediaKind:
    """Tell WebM from Matroska by the DocType element (RFC 8794, 11.2.6) of the EBML header."""
    at = head.find(_EBML_DOCTYPE)
    if at < 0 or at + 3 > len(head):
        return MediaKind.OTHER
    length = head[at + 2] & 0x7F
    doctype = head[at + 3 : at + 3 + length].rstrip(b"\0")
    return {b"webm": MediaKind.WEBM, b"matroska": MediaKind.MKV}.get(doctype, MediaKind.OTHER)


def _sniff_isobmff(head: bytes) -> MediaKind:
    """Tell the members of the ISO base media family by the brands of their `ftyp` box (ISO 14496-12, 4.3)."""
    size, box = int.from_bytes(head[:4], "big"), head[4:8]
    if box != b"ftyp":
        return MediaKind.MOV if box in _BARE_QUICKTIME else MediaKind.OTHER
    major, compatible = head[8:12], head[16 : max(16, min(size, len(head)))]
    brands = {compatible[at : at + 4] for at in range(0, len(compatible), 4)}
    if major in _AVIF_BRANDS or (major in _HEIC_BRANDS and brands & _AVIF_BRANDS):
        return MediaKind.AVIF
    if major in _HEIC_BRANDS:
        return MediaKind.HEIC
    if major == b"qt  ":
        return MediaKind.MOV
    if major in _MP4_BRANDS or major.startswith(_MP4_BRAND_PREFIXES):
        return MediaKind.MP4
    return MediaKind.OTHER
