"""What a refusal says in Dutch: of a code, or of the family that it belongs to; findings bring their own Dutch text."""

from typing import Final

from schemas.errors import ExchangeError

_STEP: Final = "sender.catalogue-step"
_SAME_SOFTWARE: Final = "kijk of de software dezelfde is"

TEXTS: Final = {
    "hub.catalogue": "dit bestand is geen catalogus die gebruikt kan worden; wie het schreef, moet het aanpassen",
    f"{_STEP}.before-proof": "volgens de klok van deze machine is het bewijs er nog niet; goedkeuren kan daarna",
    f"{_STEP}.day": "de eerste dag is al voorbij; kies een latere",
    f"{_STEP}.hindered": "er staat iets in de weg; `status` zegt wat",
    f"{_STEP}.office": "deze sleutel hoort niet bij iemand die dit in het huidige bestuur mag",
    f"{_STEP}.own-proposal": "wie het voorstelde, keurt het niet goed; dat doen twee andere beheerders",
    f"{_STEP}.proposal": "van dit bestand staat niet precies één voorstel open; noem het met `--proposal`",
    f"{_STEP}.report": f"deze machine komt tot een ander rapport dan het dossier bevat; {_SAME_SOFTWARE}",
    f"{_STEP}.shipped-proof": "deze software kwam met het bewijs van een andere catalogus; bewijs het zelf",
    f"{_STEP}.signer": "een stap is niet van iemand van het bestuur; haal het bestand weg en vraag van wie het komt",
    f"{_STEP}.twice": "met deze sleutel is het al goedgekeurd",
    f"{_STEP}.unproved": "`prove` vindt een zin die breekt; wie de catalogus schreef, moet haar aanpassen",
    f"{_STEP}.unsound": "`check` vindt fouten in deze catalogus; wie haar schreef, moet ze herstellen",
    _STEP: "een stap van het bestuur klopt niet",
    "sender.jwk": "dit is geen sleutel die deze uitwisseling kent",
    "sender.token": "dit ondertekende bestand klopt niet; vraag het opnieuw aan wie het tekende",
    "sender.signature": "deze handtekening klopt niet; vertrouw het bestand niet en vraag het opnieuw",
}


def refused(error: ExchangeError) -> str:
    """Say a refusal in Dutch; in English where there is no text for its code or its family."""
    family = error.code.rpartition(".")[0]
    return TEXTS.get(error.code) or TEXTS.get(family) or error.public_message
