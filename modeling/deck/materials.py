"""Materials of the Jiles-Atherton law (see :mod:`modeling.deck.hysteresis`) and the solvers that there are for it.

Fields are in kA/m; a common factor of all fields, the signal's included, changes nothing.

References
----------
J. Chowdhury, "Real-time physical modelling for analog tape machines", DAFx-19 (2019), and the plug-in of that author.
"""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Solver = Literal["RK2", "RK4", "NR4", "NR8"]
"""Runge-Kutta of second (midpoint) and fourth order; trapezoidal rule by 4 or 8 Newton steps."""


class JilesAtherton(BaseModel):
    """Constants of one material. [V] read in a published source, [A] assumed: see :data:`MATERIALS`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shape_ka_m: float = Field(gt=0, le=1000, description="a: field that scales the anhysteretic L(H/a) [V: 22]")
    pinning_ka_m: float = Field(gt=0, le=1000, description="k: strength of pinning, about the coercivity [V: 27]")
    reversible: float = Field(ge=0, le=0.99, description="c: part of the magnetisation that follows without loss [V: 0.17]")
    coupling_ka_m: float = Field(ge=0, le=500, description="alpha M_s: field of the saturated material on itself [V: 0.56]")

    @model_validator(mode="after")
    def _slopes_are_finite(self) -> "JilesAtherton":
        if self.shape_ka_m - self.coupling_ka_m / 3.0 <= 0.0:
            raise ValueError("coupling_ka_m must be below 3 shape_ka_m, or the anhysteretic is not a function of the field")
        if self.pinning_ka_m - 2.0 * self.coupling_ka_m <= 0.0:
            raise ValueError("coupling_ka_m must be below half of pinning_ka_m, or slopes become infinite")
        return self

    @property
    def longest_step_ka_m(self) -> float:
        """Half the shortest field over which the law changes; longer steps are split."""
        return 0.5 * min(self.shape_ka_m - self.coupling_ka_m / 3.0, self.pinning_ka_m - 2.0 * self.coupling_ka_m)


MATERIALS = {
    "type1": JilesAtherton(shape_ka_m=22.0, pinning_ka_m=27.0, reversible=0.17, coupling_ka_m=0.56),
    "type2": JilesAtherton(shape_ka_m=30.0, pinning_ka_m=45.0, reversible=0.17, coupling_ka_m=0.56),
    "type4": JilesAtherton(shape_ka_m=50.0, pinning_ka_m=85.0, reversible=0.1, coupling_ka_m=0.56),
}
"""Type I [V]: ferric oxide of Chowdhury 2019, M_s = 350 kA/m and alpha = 1.6e-3. Types II and IV [A]: a and k raised with the
coercivity of the class, nothing fitted to a tape."""


def chowtape(drive: float, saturation: float, width: float) -> JilesAtherton:
    """What the knobs of the CHOWTape plug-in, each 0 to 1, make of the law [V]; a field of 1 is its full scale.

    There k = 0.47875 and alpha = 1.6e-3 are fixed, M_s = 0.5 + 1.5 (1 - saturation), a = M_s / (0.01 + 6 drive) and
    c = sqrt(1 - width) - 0.01, here not below 0.
    """
    largest = 0.5 + 1.5 * (1.0 - saturation)
    return JilesAtherton(
        shape_ka_m=largest / (0.01 + 6.0 * drive),
        pinning_ka_m=0.47875,
        reversible=max(math.sqrt(1.0 - width) - 0.01, 0.0),
        coupling_ka_m=1.6e-3 * largest,
    )
