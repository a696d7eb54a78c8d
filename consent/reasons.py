"""Why a disclosure is denied: a closed list, each with its text for people, and the marks a permit can carry.

The value of a reason is its stable code: it stands in `shown` records and in evidence, so a code is never reused for
another meaning. `nl` is what officers and professionals see, `en` stands beside it. No text holds personal data.

    >>> Reason("category-not-in-ground").nl
    'De grondslag laat deze soort gegevens niet toe.'

The order of the members is the order of the checks of `consent.decide`.

Source: the architecture, section 5; AuthZEN 1.0, reason in the decision's context.
"""

from enum import StrEnum
from typing import Self


class Told(StrEnum):
    """A code with its text in Dutch and English."""

    nl: str
    en: str

    def __new__(cls, value: str, nl: str = "", en: str = "") -> Self:
        """Make a member of a code and its two texts; looking one up by its code needs the code only."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.nl = nl
        member.en = en
        return member


class Reason(Told):
    """Why an element may not go to this recipient."""

    # 1. What cannot be evaluated.
    NOT_EVALUABLE = (
        "not-evaluable",
        "De vraag is niet te beoordelen; dan is het antwoord nee.",
        "The request cannot be evaluated; then the answer is no.",
    )
    # 2. The persons.
    SUBJECT_MISSING = (
        "subject-missing",
        "Er staat niet bij over wie dit gegeven gaat.",
        "It is not said whom this element is about.",
    )
    AGE_CONTRADICTORY = (
        "age-contradictory",
        "Bij deze leeftijdsgroep hoort geen datum waarop zij verandert.",
        "This age band has no day on which it changes.",
    )
    # 3. The capacities, whatever the ground.
    SENDER_CAPACITY_NOT_FOR_ROLE = (
        "sender-capacity-not-for-role",
        "De afzender noemt een hoedanigheid, maar is geen gecertificeerde instelling.",
        "The sender states a capacity but is no certified institution.",
    )
    SENDER_CAPACITY_MISSING = (
        "sender-capacity-missing",
        "De afzender is een gecertificeerde instelling en noemt niet in welke hoedanigheid zij handelt.",
        "The sender is a certified institution and does not state in which capacity it acts.",
    )
    SENDER_CAPACITY_NOT_HELD = (
        "sender-capacity-not-held",
        "De afzender is niet toegelaten in de hoedanigheid die hij noemt.",
        "The sender was not admitted in the capacity that it states.",
    )
    RECIPIENT_CAPACITY_NOT_FOR_ROLE = (
        "recipient-capacity-not-for-role",
        "Bij de ontvanger staat een hoedanigheid, maar die is geen gecertificeerde instelling.",
        "A capacity is stated for the recipient, which is no certified institution.",
    )
    RECIPIENT_CAPACITY_MISSING = (
        "recipient-capacity-missing",
        "De ontvanger is een gecertificeerde instelling; er staat niet bij in welke hoedanigheid zij ontvangt.",
        "The recipient is a certified institution; it is not stated in which capacity it receives.",
    )
    RECIPIENT_CAPACITY_NOT_HELD = (
        "recipient-capacity-not-held",
        "De ontvanger is niet toegelaten in de hoedanigheid die genoemd is.",
        "The recipient was not admitted in the capacity that is stated.",
    )
    NO_GROUND_FOR_CAPACITY = (
        "no-ground-for-capacity",
        "Voor deze hoedanigheid bestaat in deze catalogus nog geen grondslag.",
        "This catalogue has no ground for this capacity yet.",
    )
    # 4. The ground itself.
    PURPOSE_UNKNOWN = (
        "purpose-unknown",
        "Het genoemde doel staat niet in de catalogus van grondslagen.",
        "The stated purpose is not in the catalogue of grounds.",
    )
    GROUND_NOT_YET_VALID = (
        "ground-not-yet-valid",
        "De grondslag geldt nog niet op deze dag.",
        "The ground does not hold yet on this day.",
    )
    GROUND_EXPIRED = (
        "ground-expired",
        "De grondslag geldt niet meer op deze dag.",
        "The ground no longer holds on this day.",
    )
    GROUND_OFF = (
        "ground-off",
        "De grondslag staat in de catalogus, maar is niet ingeschakeld.",
        "The ground is in the catalogue but is not switched on.",
    )
    GROUND_CARRIES_NO_ELEMENTS = (
        "ground-carries-no-elements",
        "Deze grondslag gaat over tellingen of verantwoording, niet over gegevens in een bericht.",
        "This ground is about counts or accountability, not about elements of a message.",
    )
    # 5. The sender under this ground.
    SENDER_ROLE_NOT_IN_GROUND = (
        "sender-role-not-in-ground",
        "Op deze grondslag mag een organisatie als de afzender niets verstrekken.",
        "Under this ground an organisation like the sender may not disclose anything.",
    )
    SENDER_CAPACITY_NOT_IN_GROUND = (
        "sender-capacity-not-in-ground",
        "Op deze grondslag mag de afzender in deze hoedanigheid niets verstrekken.",
        "Under this ground the sender may not disclose anything in this capacity.",
    )
    # 6. The recipient under this ground.
    RECIPIENT_ROLE_NOT_IN_GROUND = (
        "recipient-role-not-in-ground",
        "Op deze grondslag mag een organisatie als de ontvanger niets krijgen.",
        "Under this ground an organisation like the recipient may not receive anything.",
    )
    RECIPIENT_CAPACITY_NOT_IN_GROUND = (
        "recipient-capacity-not-in-ground",
        "Op deze grondslag mag de ontvanger in deze hoedanigheid niets krijgen.",
        "Under this ground the recipient may not receive anything in this capacity.",
    )
    # 7. What is sent.
    MESSAGE_TYPE_NOT_IN_GROUND = (
        "message-type-not-in-ground",
        "Dit soort bericht hoort niet bij deze grondslag.",
        "This type of message does not belong to this ground.",
    )
    CATEGORY_NOT_IN_GROUND = (
        "category-not-in-ground",
        "De grondslag laat deze soort gegevens niet toe.",
        "The ground does not allow this category of data.",
    )
    ELEMENT_NOT_IN_GROUND = (
        "element-not-in-ground",
        "Van deze soort gegevens laat de grondslag alleen enkele onderdelen toe, en dit niet.",
        "Of this category the ground allows a few elements only, and not this one.",
    )
    NECESSITY_MISSING = (
        "necessity-missing",
        "Dit mag alleen als het noodzakelijk is genoemd, en dat staat er niet bij.",
        "This may only go when it is marked as necessary, and it is not.",
    )
    # 8. What binds the disclosure to the case: the question,
    NOT_ASKED = (
        "not-asked",
        "Dit mag alleen als antwoord op een vraag van de ontvanger, en die is er niet.",
        "This may only go in answer to a question of the recipient, and there is none.",
    )
    ANSWERS_A_QUESTION = (
        "answers-a-question",
        "Een vraag wordt beantwoord op de grond die daarvoor is, niet op deze.",
        "A question is answered under the ground that is for answering it, not under this one.",
    )
    CATEGORY_NOT_ASKED = (
        "category-not-asked",
        "De ontvanger heeft niet om deze soort gegevens gevraagd.",
        "The recipient did not ask for this category of data.",
    )
    # the measure,
    MEASURE_MISSING = (
        "measure-missing",
        "Dit mag alleen zolang een maatregel loopt, en er is geen maatregel bekend.",
        "This may only go while a measure runs, and no measure is known.",
    )
    MEASURE_NOT_BEGUN = (
        "measure-not-begun",
        "De maatregel is op deze dag nog niet begonnen.",
        "The measure has not begun on this day.",
    )
    MEASURE_ENDED = (
        "measure-ended",
        "De maatregel is op deze dag afgelopen.",
        "The measure has ended on this day.",
    )
    MEASURE_LAPSED = (
        "measure-lapsed",
        "Alleen de instelling zelf heeft de maatregel gemeld, en na 30 dagen heeft niemand hem bevestigd.",
        "Only the institution itself stated the measure, and after 30 days nobody has confirmed it.",
    )
    MEASURE_OTHER_EXECUTOR = (
        "measure-other-executor",
        "Een andere instelling voert de maatregel uit.",
        "Another institution carries out the measure.",
    )
    MEASURE_CONTRADICTED = (
        "measure-contradicted",
        "Over de maatregel zijn meldingen die elkaar tegenspreken; dan gaat er niets tot dat is opgelost.",
        "Statements about the measure contradict each other; then nothing goes until that is solved.",
    )
    SPOED_OVER = (
        "spoed-over",
        "De tijd waarin dit als spoed mocht, is voorbij; de maatregel moet eerst gemeld zijn.",
        "The time in which this could go as an emergency is over; the measure has to be stated first.",
    )
    # the consent,
    CONSENT_AGE_UNKNOWN = (
        "consent-age-unknown",
        "De leeftijd is niet bekend, dus ook niet wie er moet toestemmen.",
        "The age is not known, so neither is who has to consent.",
    )
    CONSENT_MISSING = (
        "consent-missing",
        "Hiervoor is toestemming nodig, en die is niet vastgelegd.",
        "Consent is needed for this, and none is recorded.",
    )
    CONSENT_NOT_FOR_PURPOSE = (
        "consent-not-for-purpose",
        "De toestemming is voor een ander doel gegeven.",
        "The consent was given for another purpose.",
    )
    CONSENT_NOT_FOR_RECIPIENT = (
        "consent-not-for-recipient",
        "De toestemming geldt niet voor deze ontvanger.",
        "The consent does not hold for this recipient.",
    )
    CONSENT_NOT_FOR_CATEGORY = (
        "consent-not-for-category",
        "De toestemming gaat niet over deze soort gegevens.",
        "The consent is not about this category of data.",
    )
    CONSENT_REFUSED = (
        "consent-refused",
        "Iemand die moet toestemmen, heeft geweigerd.",
        "Somebody who has to consent refused.",
    )
    CONSENT_WITHDRAWN = (
        "consent-withdrawn",
        "De toestemming is ingetrokken.",
        "The consent was withdrawn.",
    )
    CONSENT_NOT_BEGUN = (
        "consent-not-begun",
        "De toestemming geldt op deze dag nog niet.",
        "The consent does not hold yet on this day.",
    )
    CONSENT_EXPIRED = (
        "consent-expired",
        "De toestemming geldt op deze dag niet meer.",
        "The consent no longer holds on this day.",
    )
    CONSENT_NOT_OF_SENDER = (
        "consent-not-of-sender",
        "De afzender heeft de toestemming niet zelf vastgelegd of bevestigd.",
        "The sender neither recorded nor confirmed the consent.",
    )
    CONSENT_AGE_CONTRADICTORY = (
        "consent-age-contradictory",
        "Volgens het bericht is de persoon jonger dan hij was toen hij toestemde.",
        "By the message the person is younger than when the consent was given.",
    )
    CONSENT_GIVERS_INCOMPLETE = (
        "consent-givers-incomplete",
        "Niet iedereen die op deze leeftijd moet toestemmen, heeft dat gedaan.",
        "Not everybody who has to consent at this age did.",
    )
    # what is corrected,
    NOT_CORRECTED = (
        "not-corrected",
        "Dit mag alleen aan wie het eerdere bericht heeft gekregen.",
        "This may only go to who received the earlier message.",
    )
    CATEGORY_NOT_RELEASED_THEN = (
        "category-not-released-then",
        "Deze soort gegevens zat niet in wat de ontvanger toen kreeg.",
        "This category of data was not in what the recipient received then.",
    )
    # and the one that no version checks yet.
    TIE_RAAD_CASE_NOT_CHECKABLE = (
        "tie-raad-case-not-checkable",
        "Dit mag alleen in een zaak waarin de Raad partij is; deze versie kan dat nog niet nagaan.",
        "This may only go in a case that the Raad is party to; this version cannot check that yet.",
    )


class Mark(Told):
    """What a permit asks to be shown and looked at afterwards: an obligation in the words of XACML."""

    UNPROMPTED = (
        "unprompted",
        "Niet gevraagd: dit bericht antwoordt niet op een bericht van de ontvanger. Het wordt nagekeken.",
        "Unprompted: this message answers no message of the recipient. It goes to review.",
    )
    SPOED = (
        "spoed",
        "Als spoed verstuurd. Het wordt nagekeken.",
        "Sent as an emergency. It goes to review.",
    )
    SELF_DECLARED = (
        "self-declared",
        "De maatregel is alleen door de uitvoerende instelling zelf gemeld. Het wordt nagekeken.",
        "Only the executing institution itself stated the measure. It goes to review.",
    )
    WITHOUT_PARENTS = (
        "without-parents",
        "De jongere heeft zonder de ouders toegestemd; de reden is vastgelegd. Het wordt nagekeken.",
        "The young person consented without the parents; the reason is recorded. It goes to review.",
    )
