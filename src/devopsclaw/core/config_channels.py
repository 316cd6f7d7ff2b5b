"""The settings of chat platforms and of web search. Not the adapters that will read them."""

from __future__ import annotations

from pydantic import Field, SecretStr

from devopsclaw.core.config_values import Identities, Port, Section

NOTHING = SecretStr("")


class Channel(Section):
    """What every chat platform has."""

    enabled: bool = Field(False, description="Whether the gateway connects to this platform.")
    allow_from: Identities = Field(
        (), description="Users who are listened to; empty leaves it to their roles."
    )


class Telegram(Channel):
    """A Telegram bot."""

    token: SecretStr = Field(NOTHING, description="Token of the bot, from @BotFather.")


class Discord(Channel):
    """A Discord bot."""

    token: SecretStr = Field(NOTHING, description="Token of the bot.")
    mention_only: bool = Field(False, description="Whether it answers only where it is mentioned.")


class Slack(Channel):
    """A Slack app in socket mode."""

    bot_token: SecretStr = Field(NOTHING, description="Token of the bot, xoxb-….")
    app_token: SecretStr = Field(NOTHING, description="Token of the app, xapp-….")


class DingTalk(Channel):
    """A DingTalk app in stream mode."""

    client_id: str = Field("", description="Client id of the app.")
    client_secret: SecretStr = Field(NOTHING, description="Client secret of the app.")


class Line(Channel):
    """A LINE bot, called by webhook."""

    channel_secret: SecretStr = Field(NOTHING, description="Secret that signs the webhook's calls.")
    channel_access_token: SecretStr = Field(NOTHING, description="Token for sending messages.")
    webhook_host: str = Field("0.0.0.0", description="Address the webhook listens on.")
    webhook_port: Port = Field(18791, description="Port the webhook listens on.")
    webhook_path: str = Field("/webhook/line", description="Path of the webhook.")


class WeComApp(Channel):
    """A WeCom app, called by webhook."""

    corp_id: str = Field("", description="Id of the company.")
    corp_secret: SecretStr = Field(NOTHING, description="Secret of the app.")
    agent_id: int = Field(0, description="Number of the app.")
    token: SecretStr = Field(NOTHING, description="Token that signs the webhook's calls.")
    encoding_aes_key: SecretStr = Field(NOTHING, description="Key that encrypts the webhook's calls.")
    webhook_host: str = Field("0.0.0.0", description="Address the webhook listens on.")
    webhook_port: Port = Field(18792, description="Port the webhook listens on.")
    webhook_path: str = Field("/webhook/wecom-app", description="Path of the webhook.")


class Qq(Channel):
    """A QQ bot."""

    app_id: str = Field("", description="Id of the app.")
    app_secret: SecretStr = Field(NOTHING, description="Secret of the app.")


class Channels(Section):
    """Chat platforms, one section each."""

    telegram: Telegram = Field(Telegram(), description="Telegram.")
    discord: Discord = Field(Discord(), description="Discord.")
    slack: Slack = Field(Slack(), description="Slack.")
    dingtalk: DingTalk = Field(DingTalk(), description="DingTalk.")
    line: Line = Field(Line(), description="LINE.")
    wecom_app: WeComApp = Field(WeComApp(), description="WeCom, as an app.")
    qq: Qq = Field(Qq(), description="QQ.")


class Search(Section):
    """A search engine without a key."""

    enabled: bool = Field(True, description="Whether this engine may be asked.")
    max_results: int = Field(5, ge=1, description="Results asked for at most.")


class KeyedSearch(Search):
    """A search engine that needs a key."""

    api_key: SecretStr = Field(NOTHING, description="Key of the engine; without one it is not asked.")


class Tavily(KeyedSearch):
    """Tavily, which is asked only where it was switched on."""

    enabled: bool = Field(False, description="Whether this engine may be asked.")


class WebTools(Section):
    """Search engines, in the order they are asked."""

    brave: KeyedSearch = Field(KeyedSearch(), description="Brave Search.")
    tavily: Tavily = Field(Tavily(), description="Tavily.")
    duckduckgo: Search = Field(Search(), description="DuckDuckGo, which needs no key.")


class Tools(Section):
    """Tools of the agent."""

    web: WebTools = Field(WebTools(), description="Web search.")
