"""What a code says to people, in Dutch: every refusal, fault and delay that a connector can show.

Findings (`Issue`) bring their own Dutch text; this is the headline above them, and the text where there are none. A
code that is only for machines to agree about (the form of a token, of a proof, of JSON) has the text of its family: who
reads it can do nothing but report it. A code of a newer hub, which this version does not know, says who must act.

    in_dutch("recipient.message.recalled") -> "de afzender heeft dit bericht teruggenomen"

A test walks every code in the sources: one without a text here fails.
"""

from typing import Final

from schemas.errors import ExchangeError

_REPORT: Final = "meld dit aan de beheerder van de software"
_CALL: Final = "vertrouw dit niet, en bel de beheerder van de hub"

TEXTS: Final = {
    # ---- the hub is not there, or not now ----
    "hub.answer.form": "de hub antwoordt in een vorm die deze versie niet kent; werk de connector bij",
    "hub.busy": "de hub heeft het nu te druk; het wordt later opnieuw geprobeerd",
    "hub.canary.accepted": "de hub zou hebben aangenomen wat hij moest weigeren en heeft zich stilgelegd; zijn"
    " beheerder moet kijken",
    "hub.catalogue.none": "bij de hub is nog geen catalogus van gronden van kracht",
    "hub.clock": "de klok van de hub loopt niet goed; tot dat is hersteld neemt hij niets aan",
    "hub.decision.outdated": "waar dit op rust, verandert op dit moment; het wordt opnieuw geprobeerd",
    "hub.enforcement.stopped": "de hub heeft zichzelf stilgelegd omdat hij aannam wat hij moest weigeren;"
    " zijn beheerder moet kijken",
    "hub.failed": "er ging iets fout bij de hub; zijn beheerder vindt de oorzaak met het kenmerk",
    "hub.link.other": "een koppeling bij de hub voegt deze persoon met een ander samen; er gaat niets, zoek uit wie"
    " haar vastlegde",
    "hub.log.busy": "er wacht te veel op het log van de hub; het wordt later opnieuw geprobeerd",
    "hub.outcome.unknown": "het is niet zeker of de hub dit heeft vastgelegd; het wordt opnieuw geprobeerd",
    "hub.participant.busy": "deze deelnemer wordt op dit moment gewijzigd; probeer het opnieuw",
    "hub.catalogue.too-often": "er zijn in deze minuut te veel stappen voor de catalogus gezet; probeer het later",
    "hub.persons.too-often": "er is in deze minuut te veel over personen gezocht of vastgelegd; probeer het later",
    "hub.policy.outdated": "dit deel van de hub werkt nog met vervangen gronden; het wordt opnieuw geprobeerd",
    "hub.stopping": "de hub stopt op dit moment; het wordt later opnieuw geprobeerd",
    "hub.unavailable": "de hub kan dit nu niet; het wordt later opnieuw geprobeerd",
    "hub.unreachable": "de hub is niet bereikbaar",
    # ---- the hub shows what does not hold ----
    "hub.message.damaged": "wat de hub van dit bericht bewaart, is niet wat hij heeft aangenomen; zijn beheerder moet"
    " kijken",
    "hub.message.state": f"hoe het bericht volgens de hub staat, klopt niet met bericht, bewijs of klok; {_CALL}",
    "hub.settings.invalid": "de instellingen kloppen niet",
    # ---- the recipient's side ----
    "recipient.catalogue.unknown": "deze catalogus kent de hub niet",
    "recipient.connector.failed": f"de connector kan dit niet verwerken door een fout in de software; {_REPORT}",
    "recipient.connector.outdated": "het bericht is van een soort of versie die deze connector niet kent; werk hem bij",
    "recipient.decision.denied": "van dit bericht mag niets meer naar deze ontvanger",
    "recipient.definition.unknown": "deze definitie kent de hub niet",
    "recipient.log.unknown": "dit staat niet in het log",
    "recipient.message.expired": "de tijd om dit bericht op te halen is voorbij",
    "recipient.message.recalled": "de afzender heeft dit bericht teruggenomen",
    "recipient.message.received": "dit bericht is al ontvangen; de inhoud is weg bij de hub",
    "recipient.message.refused": "dit bericht is geweigerd, en er mag nu minder van mee dan toen",
    "recipient.message.uncollected": "de ontvanger heeft dit bericht nog niet opgehaald",
    "recipient.message.unknown": "er is voor deze ontvanger geen bericht met dit nummer",
    "recipient.participant.suspended": "de ontvanger neemt op dit moment niet deel aan de uitwisseling",
    "recipient.participant.unknown": "geen deelnemer heeft dit OIN",
    "recipient.receipt.other": "het ontvangstbewijs is niet over wat het laatst is opgehaald",
    "recipient.receipt.used": "een ander ontvangstbewijs was eerder, of het bericht is opnieuw opgehaald",
    "recipient.sealing-key.revoked": "dit bericht is verzegeld voor een sleutel die de ontvanger heeft ingetrokken; de"
    " afzender moet het opnieuw versturen",
    "recipient.sealing-key.unknown": "dit bericht is verzegeld voor een sleutel die deze connector niet heeft",
    # ---- what somebody hands in ----
    "sender.address": "de afzender of de ontvanger in het bestand klopt niet",
    "sender.address.not-ours": "de afzender in het bestand is een andere organisatie dan deze",
    "sender.addressbook.invalid": "het adresboek klopt niet",
    "sender.answer.person": "er is niet gezegd over wie het antwoord gaat",
    "sender.answer.reason": "er is geen reden genoemd, of een onbekende",
    "sender.asks.term": "de termijn van de vraag ligt voor de dag van de vraag, of meer dan een jaar erna",
    "sender.attachment.held": "een bijlage is tegengehouden",
    "sender.canary": "een kanarie laat zien dat haar berichten geweigerd worden, en doet verder niets",
    "sender.connector.failed": f"de connector kan dit niet verwerken door een fout in de software; {_REPORT}",
    "sender.correction.nothing": "dit bericht bevat niets van wat als onjuist is genoemd",
    "sender.correction.reason": "dit is geen reden voor een correctie",
    "sender.corrects.other": "een correctie gaat over personen en onderdelen van het bericht dat zij verbetert",
    "sender.decision.denied": "het bericht mag niet, of niet volledig, naar deze ontvanger voor dit doel",
    "sender.document.invalid": "het bericht klopt niet",
    "sender.elements.too-many": "het bericht bevat te veel gegevens",
    "sender.format.too-large": "het bestand is te groot",
    "sender.format.unknown": "het bestand is in geen vorm die deze connector kent",
    "sender.idempotency-key.used": "deze sleutel van een aanvraag is al gebruikt voor iets anders",
    "sender.hub.other": "dit is voor een andere hub bestemd",
    "sender.issues.more": "er zijn nog meer bevindingen",
    "sender.jti.used": "dit nummer is al gebruikt voor iets anders",
    "sender.message.expired": "de tijd om dit bericht op te halen is al voorbij",
    "sender.message.future": "het bericht is gedateerd in de toekomst; kijk naar de klok van deze computer",
    "sender.message.rejected": "het bericht is geweigerd",
    "sender.message.too-large": "het bericht is te groot",
    "sender.message.unknown": "de hub kent geen bericht van u met dit nummer",
    "sender.person.invalid": "het nummer van de persoon klopt niet",
    "sender.person.without-number": "over iemand zonder BSN gaat dit niet met een opdracht; lever een FHIR-bestand aan",
    "sender.professionals.invalid": "de lijst van professionals klopt niet",
    "sender.purpose.unclear": "het is niet duidelijk voor welk doel dit gaat; noem het doel",
    "sender.purpose.unknown": "dit doel kent de catalogus niet",
    "sender.reference.used": "dit referentienummer is al gebruikt voor een ander bericht",
    "sender.replay": "dit nummer is al gebruikt voor iets anders",
    "sender.reply-to.answered": "hierop is al geantwoord",
    "sender.reply-to.other": "het bericht waarop dit antwoordt, ging tussen andere partijen of in een andere zaak",
    "sender.reply-to.other-person": "een antwoord gaat over de personen over wie de vraag ging",
    "sender.reply-to.type": "een bericht van dit type is geen antwoord op het bericht dat het noemt",
    "sender.responsible.missing": "het bericht noemt niemand die ervoor instaat",
    "sender.scan.failed": "de virusscan is mislukt",
    "sender.submission.too-large": "het bericht is met zijn bijlagen te groot",
    "sender.thread.ambiguous": "het is niet duidelijk op welk bericht dit antwoordt",
    "sender.thread.unknown": "het bericht waarop dit antwoordt, is hier niet bekend",
    # ---- what a system asks of the API ----
    "recipient.message.taken": "het bericht heeft dit bestand niet, is nog niet afgeleverd, of is weggehaald",
    "recipient.message.under-way": "het bericht is nog niet helemaal afgeleverd",
    "sender.api.host": "dit is niet het adres waarop deze connector luistert",
    "sender.api.origin": "deze API is voor systemen, niet voor pagina's in een browser",
    "sender.api.token": "het token van de API ontbreekt, of klopt niet",
    "sender.connector.busy": "de connector verwerkt al zo veel tegelijk als kan; probeer het zo weer",
    "sender.connector.disk-full": "de schijf is bijna vol: er wordt niets aangenomen tot er ruimte is",
    "sender.correction.unknown": "dit bericht is niet door deze connector verstuurd, of niet aangekomen",
    "sender.idempotency-key.invalid": "de sleutel van de aanvraag heeft niet de goede vorm",
    "sender.notice.unknown": "er is geen open melding met dit nummer",
    "sender.outgoing.unknown": "er is niets met dit nummer aangeboden",
    "sender.question.answered": "deze vraag is al beantwoord",
    "sender.question.unknown": "er is geen vraag met dit nummer bekend",
    "sender.recall.unknown": "dit bericht is niet door deze connector verstuurd",
    # ---- what is stated about persons ----
    "sender.consent.more": "over deze persoon heeft deze organisatie te veel toestemmingen vastgelegd",
    "sender.consent.of-another": "deze toestemming is van een andere organisatie",
    "sender.consent.renew": "dit formulier is in een vorig tijdvak van de ketensleutel vastgelegd; doe `consent renew`",
    "sender.consent.refused": "deze toestemming zou nooit gelden",
    "sender.consent.role": "deze organisatie legt geen toestemmingen vast",
    "sender.consent.unknown": "deze toestemming is hier niet bekend",
    "sender.consent.without-number": "deze persoon heeft geen BSN; noem zijn pseudoniem",
    "sender.link.acting": "wie onder maatregelen handelt, koppelt geen pseudoniemen",
    "sender.link.already": "deze pseudoniemen zijn al gekoppeld",
    "sender.link.both": "deze koppeling spreekt een eerdere tegen",
    "sender.link.other": "dit zijn pseudoniemen van twee personen",
    "sender.link.stranger": "u hebt over dit pseudoniem geen bericht gehad of verstuurd, en er niets onder vastgelegd",
    "sender.link.too-many": "deze persoon heeft te veel pseudoniemen",
    "sender.measure.refused": "deze maatregel zou nooit gelden",
    "sender.persons.role": "deze organisatie mag niet weten wat over personen is vastgelegd",
    "sender.recall.expired": "de tijd om dit bericht op te halen is voorbij; terugnemen heeft geen zin meer",
    "sender.recall.released": "de ontvanger heeft dit bericht al opgehaald; stuur een correctie",
    "sender.recall.used": "dit bericht is al teruggenomen",
    "sender.review.closed": "iemand anders heeft dit punt al afgehandeld",
    "sender.review.statement": "dit blijft open tot de maatregel is gemeld",
    "sender.review.unknown": "er is voor deze organisatie geen zo'n punt",
    # ---- who takes part, and with which keys ----
    "sender.admission.canary": "een kanarie blijft een kanarie, en niemand anders wordt er een",
    "sender.admission.oin": "de toelating is van een andere organisatie",
    "sender.admission.old": "er is al een nieuwere toelating",
    "sender.chain-epoch.used": "dit tijdvak is al geopend, met andere gegevens",
    "sender.catalogue.unreadable": "deze versie van de connector kan de catalogus die hij volgde niet lezen",
    "sender.chain-key.epoch": "het log kent dit tijdvak niet; open het eerst",
    "sender.chain-key.fingerprint": "de ketensleutel is niet die van dit tijdvak",
    "sender.chain-key.missing": "deze organisatie heeft de ketensleutel nog niet",
    "sender.chain-key.role": "deze organisatie geeft of krijgt de ketensleutel niet",
    "sender.chain-key.too-often": "de ketensleutel is te vaak doorgegeven; probeer het later",
    "sender.document.future": "dit is gedateerd in de toekomst; kijk naar de klok van deze computer",
    "sender.key.missing": "deze connector heeft de sleutel niet die hiervoor nodig is",
    "sender.key.unknown": "de hub kent de sleutel niet waarmee dit is getekend",
    "sender.not-joined": "deze organisatie is nog niet toegetreden tot de hub",
    "sender.notification-url": "het adres voor meldingen moet met https beginnen",
    "sender.participant.empty": "er is geen toelating en geen verklaring",
    "sender.participant.too-often": "deze deelnemer is vandaag te vaak gewijzigd; probeer het morgen",
    "sender.participant.unknown": "de hub kent deze organisatie niet, of zij is geschorst",
    "sender.recipient.canary": "de ontvanger is een kanarie: aan haar wordt niets verstrekt",
    "sender.recipient.no-key": "de ontvanger kan nog niets ontvangen: hij heeft geen sleutel",
    "sender.recipient.unknown": "de ontvanger neemt niet deel aan de uitwisseling",
    "sender.roles.invalid": "de lijst van rollen klopt niet",
    "sender.sealing-key.outdated": "de ontvanger heeft zijn sleutel vervangen; het bericht wordt opnieuw gemaakt",
    "sender.settings.invalid": "de instellingen van de connector kloppen niet",
    "sender.signature.invalid": "de handtekening klopt niet",
    "sender.statement.key": "de verklaring is niet met haar eigen sleutel getekend",
    "sender.statement.oin": "de verklaring is van een andere organisatie",
    "sender.statement.old": "er is al een nieuwere verklaring",
    "sender.statement.replaced": "de vervangen sleutel tekende een andere verklaring",
    "sender.statement.revoked": "een ingetrokken sleutel komt niet terug",
    "sender.token.insufficient": "deze organisatie mag dit bij de hub niet vragen",
    "sender.unknown": "de hub weet niet wie dit vraagt",
    # ---- what the hub is asked ----
    "sender.request.time": "de aanvraag is te oud of van later; kijk naar de klok van deze computer",
    "sender.request.too-large": "dit is te groot voor de hub",
    "sender.request.too-many": "er is te vaak achter elkaar gevraagd; het wordt later opnieuw geprobeerd",
    "sender.request.too-slow": "de verbinding met de hub is te traag",
    "sender.request.interrupted": "de verbinding met de hub brak af",
}
"""The text of a code, lower case, without full stop."""

_SAID: Final = "zie de bevindingen"
FAMILIES: Final = {
    # What the findings say themselves.
    "sender.consent.": f"deze toestemming klopt niet; {_SAID}",
    "sender.decision.": f"het bericht mag niet, of niet volledig, naar deze ontvanger voor dit doel; {_SAID}",
    "recipient.decision.": f"van dit bericht mag niets meer naar deze ontvanger; {_SAID}",
    "sender.fhir.": f"het FHIR-bestand klopt niet; {_SAID}",
    "sender.link.": f"deze koppeling klopt niet; {_SAID}",
    "sender.measure.": f"deze maatregel klopt niet; {_SAID}",
    "sender.message.": f"het bericht is niet zoals het moet zijn; {_SAID}",
    "sender.structure.": f"het bericht is niet volledig, of bevat iets dat er niet in hoort; {_SAID}",
    "sender.stuf.": f"het bestand is geen geldig StUF-bericht; {_SAID}",
    "recipient.stuf.": "dit bericht kan niet als StUF worden geschreven; het FHIR-bestand is er wel",
    "sender.value.": f"een gegeven heeft niet de vorm die het moet hebben; {_SAID}",
    # What no person can mend: a proof of the hub does not hold.
    "hub.bundle.": f"het log van de hub klopt niet; {_CALL}",
    "hub.catalogue.": f"de catalogus van de hub klopt niet; {_CALL}",
    "hub.checkpoint.": f"het log van de hub klopt niet; {_CALL}",
    "hub.continuation.": f"het nieuwe log van de hub volgt niet op het oude; {_CALL}",
    "hub.directory.": f"de lijst van deelnemers van de hub klopt niet; {_CALL}",
    "hub.element.": f"wat de hub afgeeft, is niet wat de afzender verstuurde; {_CALL}",
    "hub.entry.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.evidence.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.key.": f"een sleutel die de hub geeft, klopt niet; {_CALL}",
    "hub.log.": f"het log van de hub klopt niet; {_CALL}",
    "hub.note.": f"het log van de hub klopt niet; {_CALL}",
    "hub.policy.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.proof-file.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.proof.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.receipt.": f"het ontvangstbewijs klopt niet; {_CALL}",
    "hub.record.": f"wat de hub over een persoon vond, klopt niet; {_CALL}",
    "hub.release.": f"wat de hub afgeeft, klopt niet; {_CALL}",
    "hub.seal.": f"wat de hub afgeeft, is niet wat de afzender verstuurde; {_CALL}",
    "hub.shown.": f"wat de hub toont, is niet wat in zijn log staat; {_CALL}",
    "hub.submission.": f"het bewijs van de hub klopt niet; {_CALL}",
    "hub.tile.": f"het log van de hub klopt niet; {_CALL}",
    "hub.vkey.": f"de sleutel van het log klopt niet; {_CALL}",
    # What only software agrees about.
    "hub.chain-key.": f"de ketensleutel klopt niet; {_REPORT}",
    "hub.http.": "de hub antwoordt niet zoals een hub dat doet; kijk of het adres klopt",
    "recipient.receipt.": f"het ontvangstbewijs klopt niet; {_REPORT}",
    "recipient.release.": f"de aanvraag klopt niet; {_REPORT}",
    "sender.admission.": f"de toelating klopt niet; {_REPORT}",
    "sender.assertion.": "de hub gelooft niet wie dit vraagt; kijk naar de klok van deze computer",
    "sender.base64url.": f"een bestand of bericht is beschadigd; {_REPORT}",
    "sender.board.": f"een stap van het catalogusbestuur klopt niet; {_REPORT}",
    "recipient.catalogue.": "de hub heeft geen tekst met deze SHA-256",
    "sender.catalogue-step.": f"een stap van het catalogusbestuur klopt niet; {_REPORT}",
    "sender.chain-epoch.": f"het tijdvak klopt niet; {_REPORT}",
    "sender.chain-key.": f"de ketensleutel klopt niet; {_REPORT}",
    "sender.content-type": f"de hub kent deze vorm niet; {_REPORT}",
    "sender.disclosure.": f"het bericht is niet goed gemaakt; {_REPORT}",
    "sender.dpop.": "de hub gelooft niet wie dit vraagt; kijk naar de klok van deze computer",
    "sender.element.": f"het bericht is niet goed verzegeld; {_REPORT}",
    "sender.json.": f"een bestand of bericht is geen goede JSON; {_REPORT}",
    "sender.jwk.": f"een sleutel heeft niet de goede vorm; {_REPORT}",
    "sender.multipart.": f"het bericht is niet goed verstuurd; {_REPORT}",
    "sender.oauth.": f"de aanvraag om toegang klopt niet; {_REPORT}",
    "sender.request.": f"de aanvraag klopt niet; {_REPORT}",
    "sender.route.": "de hub kent deze vraag niet; hij is van een andere versie",
    "sender.recall.": f"de terugname klopt niet; {_REPORT}",
    "sender.review.": f"de afhandeling klopt niet; {_REPORT}",
    "sender.sd-jwt.": f"het bericht is niet goed gemaakt; {_REPORT}",
    "sender.seal.": f"het bericht is niet goed verzegeld; {_REPORT}",
    "sender.sealed.": f"het bericht is niet goed verzegeld; {_REPORT}",
    "sender.sealing-key.": f"een sleutel heeft niet de goede vorm; {_REPORT}",
    "sender.statement.": f"de verklaring klopt niet; {_REPORT}",
    "sender.submission.": f"het bericht is niet goed verstuurd; {_REPORT}",
    "sender.tag.": f"een pseudoniem in het bericht klopt niet; {_REPORT}",
    "sender.token.": f"wat getekend is, heeft niet de goede vorm; {_REPORT}",
}
"""The text of what begins so, for codes that a person needs no more of. `…form` and the like."""

_BY_SIDE: Final = {
    "sender": "de afzender moet iets doen",
    "recipient": "de ontvanger moet iets doen",
    "hub": "de beheerder van de hub moet iets doen",
}


def in_dutch(code: str) -> str:
    """Say a code in Dutch, lower case, without full stop; one that this version does not know says who must act."""
    known = TEXTS.get(code)
    if known is not None:
        return known
    families = (prefix for prefix in FAMILIES if code.startswith(prefix))
    longest = max(families, key=len, default=None)
    if longest is not None:
        return FAMILIES[longest]
    return _BY_SIDE.get(code.partition(".")[0], "dit is geweigerd")


def headline(error: ExchangeError) -> tuple[str, str]:
    """Say what happened, in Dutch and in English."""
    return in_dutch(error.code), error.public_message


def why(error: ExchangeError) -> tuple[str, str]:
    """Say why in one line each, in Dutch and in English: the findings, or the headline where there are none."""
    if not error.issues:
        return headline(error)
    nl = "; ".join(dict.fromkeys(issue.text_nl or issue.text for issue in error.issues))
    en = "; ".join(dict.fromkeys(issue.text or issue.text_nl for issue in error.issues))
    return nl, en


def trouble_text(error: ExchangeError) -> str:
    """Write what holds something up, for `status`: the code, by which machines sort, then Dutch, then English."""
    nl, en = why(error)
    return f"{error.code}: {nl} / {en}"
