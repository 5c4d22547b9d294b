"""The kinds of fields that there are: functions from a point to density, and from a point and a direction to colour.

A kind of one's own is a subclass of :class:`needlecpp.render.Field`.
"""

from needlecpp._core import fields as _bound
from needlecpp._core.fields import *  # noqa: F403

__all__ = list(_bound.__all__)
