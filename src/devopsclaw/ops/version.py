"""Which devopsclaw this is. The command line answers `version` by itself; this is for the other faces."""

from __future__ import annotations

from importlib import import_module

from pydantic import Field

from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Result, operation
from devopsclaw.core.rbac import Role
from devopsclaw.model.risk import Effect


class Version(Result):
    """What was baked in at build."""

    schema_name = "devopsclaw.version/1"

    version: str = Field(description="The version, as 0.1.0.")
    commit: str = Field(description="The git commit, +dirty where it had changes.")
    built: str = Field(description="When it was built, RFC 3339.")

    def text(self) -> str:
        """The same line as `devopsclaw version`."""
        return f"devopsclaw {self.version} ({self.commit}, built {self.built})"


def baked(module: str = "devopsclaw._build") -> Version:
    """What the build wrote; the word unknown where it was never built."""
    try:
        build = import_module(module)
    except ModuleNotFoundError:
        return Version(version="unknown", commit="unknown", built="unknown")
    return Version(version=build.VERSION, commit=build.COMMIT, built=build.BUILT)


@operation("version.show", Effect.READ, role=Role.VIEWER)
async def show(ctx: Ctx, params: NoParams) -> Version:
    """Print version, git commit and build time.

    devopsclaw version
    """
    return baked()
