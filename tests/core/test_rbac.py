"""Three roles, each of which may do what the one before may."""

from __future__ import annotations

import os

import pytest

from devopsclaw.core.rbac import Role, Roles
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import Denied

ROLES = Roles(1000, {"olga": Role.OPERATOR, "vic": Role.VIEWER, "amy": Role.ADMIN})
ACTORS = {
    Role.ADMIN: Actor("amy", "socket", 1001),
    Role.OPERATOR: Actor("olga", "socket", 1002),
    Role.VIEWER: Actor("vic", "socket", 1003),
}


@pytest.mark.parametrize("held", list(Role))
@pytest.mark.parametrize("needed", list(Role))
def test_a_role_reaches_what_needs_it_or_less(held: Role, needed: Role) -> None:
    if held >= needed:
        ROLES.require(ACTORS[held], needed, "fleet.exec")
    else:
        with pytest.raises(Denied, match=f"is {held.word}; fleet.exec needs {needed.word}") as refused:
            ROLES.require(ACTORS[held], needed, "fleet.exec")
        assert refused.value.exit_code == 3
        assert refused.value.hint


def test_the_user_who_owns_the_home_is_admin_whatever_the_name() -> None:
    assert ROLES.role_of(Actor("vic", "cli", 1000)) is Role.ADMIN
    assert Roles().role_of(Actor("me", "cli", os.getuid())) is Role.ADMIN


def test_a_stranger_has_no_role_and_may_do_nothing() -> None:
    stranger = Actor("mallory", "socket", 4711)

    assert ROLES.role_of(stranger) is None
    with pytest.raises(Denied, match=r"mallory is not known here, so status\.show did not run"):
        ROLES.require(stranger, Role.VIEWER, "status.show")


def test_an_actor_without_a_uid_is_not_the_owner() -> None:
    assert ROLES.role_of(Actor("someone", "chat")) is None
