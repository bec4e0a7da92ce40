"""The customers all simulated channels and ERPs know: made up, and the same for one seed.

Names are plainly invented, addresses do not exist, mail goes to example.com.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_GIVEN = ("Alex", "Bo", "Chris", "Dana", "Eli", "Finn", "Gray", "Hao", "Ira", "Jules", "Kim", "Lou")
_FAMILY = ("Sample", "Muster", "Voorbeeld", "Example", "Demo", "Fictief", "Probe", "Testmann")
_PLACES = {
    "NL": (("Utrecht", "35"), ("Zwolle", "80"), ("Breda", "48")),
    "DE": (("Kassel", "341"), ("Bremen", "281"), ("Ulm", "890")),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A customer: ``number`` counts from 1 and is the same in every system."""

    number: int
    given: str
    family: str
    country: str
    street: str
    city: str
    postal_code: str

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """An address nobody reads."""
        return f"{self.given}.{self.family}.{self.number}@example.com".lower()


def person(seed: int, number: int, country: str) -> Person:
    """Return customer ``number`` of a country; the same seed and number give the same person."""
    chance = Random(f"{seed}/person/{country}/{number}")
    city, digits = chance.choice(_PLACES[country])
    if country == "NL":
        postal_code = f"{digits}{chance.randrange(10, 100)} ZZ"
    else:
        postal_code = digits + str(chance.randrange(10 ** (5 - len(digits)))).zfill(5 - len(digits))
    return Person(
        number=number,
        given=chance.choice(_GIVEN),
        family=chance.choice(_FAMILY),
        country=country,
        street=f"Nergensweg {chance.randrange(1, 200)}",
        city=city,
        postal_code=postal_code,
    )
