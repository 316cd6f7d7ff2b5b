"""The commands that are no operation: they start a face, a long-running role, or explain. Data only."""

from __future__ import annotations

from typing import Any


def _option(name: str, summary: str, **more: Any) -> dict[str, Any]:
    flag = "--" + name.replace("_", "-")
    return {"name": name, "kind": "option", "type": "text", "flags": [flag], "help": summary, **more}


def _credentials(section: str, environment: str) -> list[dict[str, Any]]:
    """The flags by which a role proves who it is; `section` is where their settings are."""
    secret = "Fleet token" if section == "relay" else "Join token, or fleet token"
    return [
        _option(
            "token",
            f"{secret}. Others on this machine can read it in the process list: prefer "
            f"--token-file or {environment}.",
            config=f"{section}.{'auth_token' if section == 'relay' else 'token'}",
            metavar="SECRET",
        ),
        _option("token_file", "File that holds the token.", config=f"{section}.token_file", metavar="FILE"),
        _option(
            "insecure",
            "Plain WebSocket without TLS; the other side must say so too.",
            type="flag",
            config=f"{section}.insecure",
        ),
    ]


FIXED: list[dict[str, Any]] = [
    {
        "path": ["relay", "start"],
        "face": "relay",
        "summary": "Start the relay that nodes and engineers connect to.",
        "description": "Start the relay that nodes and engineers connect to. Prints two lines to paste: "
        "one for servers, one with the claim code for the engineer. Runs until it is stopped. "
        "The same as devopsclaw --headless relay.",
        "params": [
            _option("addr", "Address to listen on.", config="relay.listen_addr", metavar="HOST:PORT"),
            _option("max", "Most connections at once.", type="integer", config="relay.max_connections"),
            _option("tls_cert", "Certificate, PEM.", config="relay.tls_cert", metavar="FILE"),
            _option("tls_key", "Private key, PEM.", config="relay.tls_key", metavar="FILE"),
            *_credentials("relay", "DEVOPSCLAW_RELAY_AUTH_TOKEN"),
        ],
        "examples": ["devopsclaw relay start --addr :9443 --token-file /etc/devopsclaw/token"],
    },
    {
        "path": ["agent-daemon"],
        "face": "daemon",
        "summary": "Make this machine a node: connect outbound to a relay and run what it is sent.",
        "description": "Make this machine a node: connect outbound to a relay and run what the "
        "controller signed. Runs until it is stopped; commands that run then go on. "
        "The same as devopsclaw --headless daemon.",
        "params": [
            _option("relay", "Address of the relay.", config="node.relay", metavar="URL"),
            _option("node_id", "Name of this node.", config="node.id", metavar="NAME"),
            *_credentials("node", "DEVOPSCLAW_NODE_TOKEN"),
            _option(
                "reset_trust",
                "Forget the controller that this node obeys, and end: where that controller is lost. "
                "Refused while the daemon or a command runs.",
                type="flag",
            ),
        ],
        "examples": [
            "devopsclaw agent-daemon --relay wss://relay.example.com:9443 "
            "--node-id prod-web-1 --token-file /etc/devopsclaw/token"
        ],
    },
    {
        "path": ["gateway"],
        "face": "gateway",
        "summary": "Keep the core of this home running, for consoles and commands to use.",
        "description": "Keep the core of this home running without a screen. Consoles and commands of this "
        "home use it by themselves, and what runs goes on when they leave. Runs until it is stopped. "
        "The same as devopsclaw --headless gateway.",
        "params": [],
        "examples": ["devopsclaw gateway", "devopsclaw --headless gateway"],
    },
    {
        "path": ["demo"],
        "face": "demo",
        "summary": "Try it on three real nodes on this machine.",
        "description": "Start a relay and real daemons on loopback in a temporary home and open the "
        "console on them. Where bubblewrap is installed, nothing of yours can be touched. Without a "
        "terminal, play a short tour as plain lines.",
        "params": [
            _option("nodes", "How many nodes.", type="integer", default=3),
        ],
        "examples": ["devopsclaw demo", "devopsclaw demo --nodes 50"],
    },
    {
        "path": ["completion"],
        "face": "completion",
        "summary": "Print the completion script of a shell.",
        "description": "Print the completion script of a shell.",
        "params": [
            {
                "name": "shell",
                "kind": "argument",
                "type": "choice",
                "choices": ["bash", "zsh", "fish", "powershell"],
                "help": "The shell to complete in.",
                "required": True,
            }
        ],
        "examples": [
            'eval "$(devopsclaw completion bash)"',
            "devopsclaw completion fish > ~/.config/fish/completions/devopsclaw.fish",
        ],
    },
    {
        "path": ["schema"],
        "face": "schema",
        "summary": "Print the JSON Schema of a result; without a name, list them.",
        "description": "Print the JSON Schema of a result; without a name, list them.",
        "params": [
            {
                "name": "schema",
                "kind": "argument",
                "type": "text",
                "help": "Name, as devopsclaw.nodes/1 or nodes.",
            }
        ],
        "examples": ["devopsclaw schema nodes"],
    },
    {
        "path": ["help"],
        "face": "help",
        "summary": "Explain a command, or one of: exit-codes, targets, env, keys.",
        "description": "Explain a command, or one of: exit-codes, targets, env, keys.",
        "params": [
            {
                "name": "words",
                "kind": "argument",
                "type": "text",
                "many": True,
                "help": "A command, or a topic.",
                "metavar": "[COMMAND|TOPIC]...",
            }
        ],
        "examples": ["devopsclaw help targets", "devopsclaw help node list"],
    },
]
