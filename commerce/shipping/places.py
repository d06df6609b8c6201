"""Where an address is, from as much of it as is known: never an error, at worst its country."""

from __future__ import annotations

import re
from collections.abc import Sequence

from commerce.shipping import cities, postcodes
from commerce.shipping.cities import City
from commerce.shipping.model import Destination
from commerce.shipping.points import Point, distance_m

PART = re.compile(r"[,(/-]")  # behind it stands a part of the city


def locate(to: Destination) -> Point | None:
    """The shared location, else the postcode, the city, a postcode nearby, the country."""
    if to.latitude_e6 is not None and to.longitude_e6 is not None:
        return Point(to.latitude_e6, to.longitude_e6)
    coded = postcodes.find(to.country, to.postcode) if to.postcode else None
    if coded and coded[1]:
        return coded[0]
    near = coded[0] if coded else None
    country = cities.of_country(to.country)
    for name in (to.city, PART.split(to.city)[0]):
        if same := country.cities.get(cities.folded(name)):
            return _chosen(same, to, near).where
    return near or country.centre


def _chosen(same: Sequence[City], to: Destination, near: Point | None) -> City:
    """Of cities of one name: the one near the postcode, else the region, else of most people."""
    if len(same) > 1 and near is None and to.region:
        near = postcodes.region(to.country, to.region)
    if near is None:
        return max(same, key=lambda city: city.population)
    return min(same, key=lambda city: distance_m(city.where, near))
