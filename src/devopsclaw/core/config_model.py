"""Every setting there is, with its type, its default and a sentence. Not where values come from.

A field marked GUARD is a safety switch: leaving its default by environment is told to people.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr

from devopsclaw.core.config_channels import NOTHING, Channels, Tools
from devopsclaw.core.config_values import ListenAddress, RelayUrl, Seconds, Section

GUARD: dict[str, Any] = {"guard": True}

KEYLESS = ("ollama/", "vllm/")
"""Vendors that serve models on this machine and ask for no key."""


class ModelEntry(Section):
    """One endpoint of one language model; entries of one name share the load."""

    model_name: str = Field(min_length=1, description="Name by which the model is chosen here.")
    model: str = Field(min_length=1, description="Vendor and model, as openai/gpt-5.2.")
    api_key: SecretStr = Field(NOTHING, description="Key of the vendor.")
    api_base: str = Field("", description="Address of the endpoint; empty takes the vendor's own.")

    @property
    def is_usable(self) -> bool:
        """Whether it can be asked: it has a key or needs none."""
        return bool(self.api_key.get_secret_value()) or self.model.startswith(KEYLESS)


class AgentDefaults(Section):
    """What holds for the agent unless a call says otherwise."""

    workspace: str = Field("", description="Folder the agent works in; empty is workspace/ in the home.")
    restrict_to_workspace: bool = Field(
        True, description="Whether the agent's file and command tools stay in its workspace."
    )
    model: str = Field("", description="Name of the model; empty is the first usable of model_list.")
    max_tokens: int = Field(8192, ge=1, description="Tokens of one answer at most.")
    temperature: float = Field(0.7, ge=0, le=2, description="Spread of the answers; 0 is the least.")
    max_tool_iterations: int = Field(20, ge=1, description="Rounds of tool calls in one turn at most.")


class Agents(Section):
    """The AI agent."""

    defaults: AgentDefaults = Field(AgentDefaults(), description="What holds unless a call differs.")


class Fleet(Section):
    """Running commands on many nodes."""

    store_path: str = Field("", description="Folder of the state; empty is state/ in the home.")
    protected_envs: tuple[str, ...] = Field(
        ("prod", "production", "live"), description="Values of the label env that raise the risk."
    )
    max_parallel: int = Field(50, ge=1, description="Nodes that run a command at the same time.")
    timeout: Seconds = Field(300, gt=0, description="Seconds a command may run.")
    grace: Seconds = Field(10, description="Seconds between asking a command to end and killing it.")
    lost_patience: Seconds = Field(
        60, description="Seconds to wait for a node that was lost while it ran a command."
    )
    resume_within: Seconds = Field(
        3600,
        description="Seconds within which a run that its core left goes on by itself; later it waits for a"
        " person, because nobody expects it to start any more.",
    )


class Relay(Section):
    """The relay: where this controller finds it, and how it serves where it runs here."""

    listen_addr: ListenAddress = Field(":9443", description="Address `relay start` listens on.")
    auth_token: SecretStr = Field(NOTHING, description="Token of the fleet; 20 characters or more.")
    max_connections: int = Field(100, ge=1, description="Connections the relay accepts at once.")
    url: RelayUrl = Field("", description="Address of the relay; empty is no relay.")
    tls_cert: str = Field("", description="Certificate file of the relay; empty makes its own.")
    tls_key: str = Field("", description="Key file of the certificate.")
    insecure: bool = Field(
        False, description="Whether to speak without TLS; only for trusted networks.",
        json_schema_extra=GUARD,
    )  # fmt: skip
    token_file: str = Field("", description="File that holds the token, in place of auth_token.")


class Node(Section):
    """This machine as a node: what `agent-daemon` reads."""

    id: str = Field("", description="Name of this node; empty is the name of the host.")
    relay: RelayUrl = Field("", description="Address of the relay to dial.")
    token: SecretStr = Field(NOTHING, description="Token of the fleet, or a join token.")
    token_file: str = Field("", description="File that holds the token, in place of token.")
    policy: str = Field(
        "/etc/devopsclaw/policy.yaml", description="What the owner of this machine forbids on it."
    )
    insecure: bool = Field(
        False, description="Whether to dial without TLS; only for trusted networks.",
        json_schema_extra=GUARD,
    )  # fmt: skip


class Rbac(Section):
    """Roles."""

    enabled: bool = Field(True, description="Whether roles decide who may do what.")


class Heartbeat(Section):
    """The tasks of HEARTBEAT.md, run on a schedule."""

    enabled: bool = Field(True, description="Whether the tasks are run.")
    interval: int = Field(30, ge=5, description="Minutes between two runs, 5 or more.")


class Approvals(Section):
    """Asking a person for a yes."""

    two_person: tuple[str, ...] = Field(
        (),
        description="What needs somebody else's yes: high, critical, an operation, or env:NAME.",
        examples=[["critical", "env:prod"]],
    )
    expiry: Seconds = Field(600, gt=0, description="Seconds until a request counts as denied.")


class Core(Section):
    """The core of this home, and who may reach it."""

    socket_group: str = Field(
        "",
        description="Unix group that may reach the core's socket, for a team's home; empty is nobody else.",
    )


class Ui(Section):
    """The console."""

    theme: str = Field("claw-dark", description="Name of the colour theme.")
    glyphs: Literal["auto", "unicode", "ascii"] = Field(
        "auto", description="Characters to draw with; auto follows the locale."
    )


class Log(Section):
    """The log files."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least weight of what is logged."
    )


class Config(Section):
    """All settings of one home."""

    model_list: tuple[ModelEntry, ...] = Field(
        (),
        description="Language models; several entries of one name share the load.",
        examples=[
            {"model_name": "gpt4", "model": "openai/gpt-5.2", "api_key": "sk-your-key"},
            {"model_name": "local", "model": "ollama/llama3"},
        ],
    )
    agents: Agents = Field(Agents(), description="The AI agent.")
    fleet: Fleet = Field(Fleet(), description="Running commands on many nodes.")
    relay: Relay = Field(Relay(), description="The relay, as seen from here and where it runs here.")
    node: Node = Field(Node(), description="This machine as a node: what agent-daemon reads.")
    rbac: Rbac = Field(Rbac(), description="Roles.")
    heartbeat: Heartbeat = Field(Heartbeat(), description="The tasks of HEARTBEAT.md, on a schedule.")
    channels: Channels = Field(Channels(), description="Chat platforms.")
    tools: Tools = Field(Tools(), description="Tools of the agent.")
    approvals: Approvals = Field(Approvals(), description="Asking a person for a yes.")
    core: Core = Field(Core(), description="The core, and who may reach it.")
    ui: Ui = Field(Ui(), description="The console.")
    log: Log = Field(Log(), description="The log files.")
