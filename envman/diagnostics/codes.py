"""Every diagnostic code: what it is about and the exit status it asks for.

Ranges: EV0xx projects and files, EV1xx YAML and values, EV2xx the language, EV3xx what a stack would do,
EV4xx the engine, EV5xx identity, state, secrets and ports, EV6xx running stacks, EV7xx scaffolding, EV9xx envman.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Code(NamedTuple):
    """A code's title and the exit status of a command that ends with it."""

    title: str
    exit_status: int = 1


ENGINE: Final = 3
BUG: Final = 4

CODES: Final[dict[str, Code]] = {
    "EV001": Code("not an envman project"),
    "EV002": Code("a file cannot be read"),
    "EV003": Code("unknown environment"),
    "EV004": Code("not a valid name"),
    "EV005": Code("the project file is wrong"),
    "EV006": Code("a newer envman is required"),
    "EV007": Code("a file leads out of the project"),
    "EV008": Code("a file cannot be written"),
    "EV009": Code("an abstract blueprint is not an environment"),
    "EV010": Code("no environment named"),
    "EV011": Code("a file is already there"),
    "EV100": Code("not valid YAML"),
    "EV101": Code("duplicate key"),
    "EV102": Code("not a duration"),
    "EV103": Code("not a port mapping"),
    "EV104": Code("not a mount"),
    "EV105": Code("unknown attribute"),
    "EV106": Code("wrong type of value"),
    "EV107": Code("missing attribute"),
    "EV108": Code("value not allowed"),
    "EV109": Code("unknown tag"),
    "EV110": Code("file too large or too deep"),
    "EV111": Code("empty file"),
    "EV112": Code("not a size"),
    "EV113": Code("not a .env file"),
    "EV201": Code("missing parent"),
    "EV202": Code("cyclic parents"),
    "EV203": Code("undeclared variable"),
    "EV204": Code("unset variable"),
    "EV205": Code("variable out of bounds"),
    "EV206": Code("not an interpolation"),
    "EV207": Code("a secret is not a variable"),
    "EV208": Code("a required variable is missing"),
    "EV209": Code("unused --set"),
    "EV210": Code("an inherited fixed name would be shared"),
    "EV211": Code("a security list lost entries"),
    "EV212": Code("Compose cannot express this here"),
    "EV301": Code("undefined reference"),
    "EV302": Code("two services on one host port"),
    "EV303": Code("replicas with a published port"),
    "EV304": Code("a service without an image"),
    "EV305": Code("dependency cycle"),
    "EV306": Code("a one-shot that nobody adopts"),
    "EV307": Code("a missing file"),
    "EV308": Code("a missing health check"),
    "EV309": Code("a secret handed over as a variable"),
    "EV310": Code("container_name forbids a second stack"),
    "EV311": Code("a project path on a remote engine"),
    "EV401": Code("no Docker engine", ENGINE),
    "EV402": Code("no permission on the Docker socket", ENGINE),
    "EV403": Code("no Docker command", ENGINE),
    "EV404": Code("no Compose plugin", ENGINE),
    "EV405": Code("Compose is too old", ENGINE),
    "EV406": Code("the engine is too old", ENGINE),
    "EV407": Code("unknown Docker context", ENGINE),
    "EV408": Code("the engine went away", ENGINE),
    "EV409": Code("two different engines", ENGINE),
    "EV410": Code("the engine refused", ENGINE),
    "EV411": Code("no GPU for a service that requires one", ENGINE),
    "EV501": Code("owned by another checkout"),
    "EV502": Code("not created by envman"),
    "EV503": Code("a generated secret is lost"),
    "EV504": Code("a secret's value is missing"),
    "EV505": Code("a host port is taken"),
    "EV506": Code("another envman is at work"),
    "EV507": Code("a volume or network differs from its definition"),
    "EV508": Code("the checkout's ID is lost"),
    "EV509": Code("this checkout has moved"),
    "EV510": Code("the state folder cannot be used"),
    "EV511": Code("unknown secret"),
    "EV601": Code("an image cannot be pulled"),
    "EV602": Code("a build failed"),
    "EV603": Code("a service exited"),
    "EV604": Code("a service is unhealthy"),
    "EV605": Code("the stack did not come up in time"),
    "EV606": Code("confirmation needed"),
    "EV607": Code("no such service"),
    "EV608": Code("nothing is running"),
    "EV609": Code("the switch was rolled back"),
    "EV610": Code("Compose failed"),
    "EV611": Code("which environment to switch from"),
    "EV612": Code("a one-shot failed"),
    "EV613": Code("the switch could not be rolled back"),
    "EV614": Code("an earlier command was interrupted"),
    "EV630": Code("a stack that is not what its blueprint says", ENGINE),
    "EV701": Code("not a valid option of the template"),
    "EV702": Code("the folder exists"),
    "EV703": Code("the template cannot be rendered"),
    "EV704": Code("git is not usable"),
    "EV901": Code("a bug in envman", BUG),
}
