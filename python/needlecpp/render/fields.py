"""The kinds of fields that there are: functions from a point to density, and from a point and a direction to colour.

A kind of one's own is a subclass of :class:`needlecpp.render.Field`.
"""

from needlecpp._core import NGP, NgpConfig

__all__ = ["NGP", "NgpConfig"]
