"""The words of `assets` for kinds of files are those of `imaging`."""

from assets.kinds import PHOTO_KINDS, VIDEO_KINDS, kind_extension
from imaging.ops.media import MediaKind


def test_both_sides_of_the_line_use_the_same_words() -> None:
    assert {str(kind) for kind in MediaKind if kind.is_image} == PHOTO_KINDS
    assert {str(kind) for kind in MediaKind if kind.is_video} == VIDEO_KINDS


def test_extensions_agree_too() -> None:
    assert {kind: kind_extension(kind) for kind in MediaKind} == {kind: kind.extension for kind in MediaKind}
