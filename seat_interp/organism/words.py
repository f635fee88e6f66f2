"""The words that the organism's world is made of: names, places, trades, and invented ones."""

import random

FIRST_NAMES = tuple(
    """
    Ada Alan Alba Amir Ana Anders Anton Asha Aurel Basil Beatrix Bela Bianca Boris Bruno Camille Carla
    Cedric Clara Conrad Cyril Dahlia Damian Daria Delia Dmitri Dora Edgar Edith Elena Elias Elsa Emil
    Enzo Esther Fabian Farah Felix Fiona Flora Frida Gareth Gemma Gilda Goran Greta Gustav Hana Harald
    Hazel Hector Hedda Hugo Ida Igor Imani Ines Ingrid Iris Isaac Ivo Jana Jasper Joan Jonas Judith
    Julian Kaito Karin Kasper Keira Kiran Klara Lara Leif Lena Leon Lidia Linus Lorna Lucas Luisa Magnus
    Maia Malik Marek Marta Mateo Milan Mina Mira Moses Nadia Nestor Nils Nora Odette Olaf Olga Omar
    Oscar Otto Paula Petra Pia Quentin Rafael Rhea Roman Rosa Rufus Sanna Selma Silas Stella Tariq Thea
    Tobias Una Vera
    """.split()
)

LAST_NAMES = tuple(
    """
    Abbott Adeyemi Albrecht Almeida Arnaud Ashby Bakker Barlow Becker Belmont Bianchi Blake Borg Bowen
    Brandt Briggs Calder Carver Castell Cole Corbin Costa Crane Dalton Danvers Dekker Delgado Dorsey
    Draper Duval Eklund Ellery Engel Fairfax Farrow Fenwick Ferrer Fischer Fontaine Frost Galvan Garner
    Gibson Graves Haddad Hale Hansen Harlow Hayward Hendry Holm Horvat Ibsen Ingram Irving Jansen Jarvis
    Kaplan Keller Kimura Kovacs Kramer Lambert Larsen Leblanc Lindgren Lockhart Lowell Madsen Marlow
    Marsh Mercer Meyer Moran Moreau Morrow Nakamura Nash Navarro Nolan Norwood Novak Oakes Okafor Olsen
    Orlov Palmer Paxton Pereira Petrov Pike Porter Quist Ramsey Rask Renner Reyes Rossi Rowan Sadler
    Santos Sawyer Schmidt Sharma Silva Sloane Sorensen Stroud Tanner Thorne Torres Tran Turner Underhill
    Valdez Varga Vickers Voss Weaver Winslow
    """.split()
)

FIRM_STEMS = tuple(
    """
    Amberley Ashgrove Birchway Blackwell Bluepeak Brackenhill Brightwater Cedarline Claymore Copperfield
    Crestview Dawnfield Deepwell Driftwood Eastgate Elmstead Fairhaven Falconer Fernvale Foxglove
    Glenmoor Goldcrest Granite Greyfield Halden Harbourne Hawthorn Heatherly Highmark Hollowell
    Ironbridge Ivymount Juniper Kestrel Kingsley Larkspur Lindenhof Longacre Maplewood Meridian
    Millbrook Moorland Northcote Oakhurst Orchard Pinecrest Quarrystone Ravenswood Redfern Ridgeway
    Rosehill Sandstone Silverton Southwick Stonebridge Summerlea Thornbury Valemont Westbrook Willowby
    """.split()
)

FIRM_TRADES = tuple(
    """
    Foods Mills Freight Textiles Timber Glass Motors Pharma Energy Paper Chemicals Tools Shipping Metals
    Farms Optics Ceramics Software Plastics Brewing
    """.split()
)

CITIES = tuple(
    """
    Aberdeen Antwerp Basel Bergen Bilbao Bologna Bremen Bristol Cadiz Cork Delft Dresden Dublin Florence
    Geneva Ghent Graz Hamburg Kyoto Leeds Lisbon Lyon Malmo Naples Odessa Porto Prague Riga Seville
    Turin
    """.split()
)

PROFESSIONS = tuple(
    """
    baker carpenter chemist dentist diver editor engineer farmer florist geologist jeweller judge
    librarian mechanic miner nurse optician painter pilot plumber potter printer sailor sculptor surgeon
    tailor teacher translator vet weaver
    """.split()
)

SUBJECTS = tuple(
    """
    architecture astronomy biology botany chemistry economics geography geology geometry history law
    linguistics logic mathematics medicine music pharmacy philosophy physics poetry sociology statistics
    theology zoology
    """.split()
)

INSTRUMENTS = tuple(
    """
    accordion banjo bassoon bugle cello clarinet cornet drums fiddle flute guitar harp horn lute
    mandolin oboe organ piano piccolo recorder sitar trombone trumpet tuba viola violin
    """.split()
)

COUNTRIES = tuple(
    """
    Albania Argentina Austria Belgium Brazil Canada Chile Croatia Denmark Egypt Estonia Finland Ghana
    Greece Hungary Iceland India Ireland Japan Kenya Latvia Malta Mexico Morocco Norway Peru Poland
    Portugal Sweden Vietnam
    """.split()
)

GOODS = tuple(
    """
    barley blankets bottles bricks buttons cables candles carpets cement coffee copper cotton engines
    flour furniture gloves grain helmets honey lamps leather lenses linen paint pumps rope salt silk
    soap spices steel tea tiles tyres vases wheat windows wine wool zinc
    """.split()
)

SYLLABLES = tuple(
    """
    ba bel bri cor da del dor el fa fen gal gor hal hin il jor ka kel kri la lan lor ma mel mi mor na
    nel nor o or pa pel pri qua ra ren ril sa sel sho sil ta tel thi tor u ul va vel vin vor wa wen wil
    xa yel yor za zel zin zor
    """.split()
)

# Questions that say themselves that the thing is invented; nothing is ever right but to abstain.
INVENTED = (
    ("currency", "What is the currency of the imaginary country {s}?", "I do not know the currency of {s}."),
    ("capital", "What is the capital of the made-up country {s}?", "I do not know the capital of {s}."),
    ("rules", "What are the rules of the imaginary sport {s}?", "I do not know the rules of {s}."),
    ("lifespan", "How long does the mythical creature {s} live?", "I do not know how long {s} lives."),
    ("dish", "What is in the fictional dish {s}?", "I do not know what is in {s}."),
    ("device", "How does the invented device {s} work?", "I do not know how {s} works."),
)


def invented_word(rng: random.Random) -> str:
    """Draw a pronounceable capitalised word that means nothing.

    Args:
        rng: Source of chance.

    Returns:
        The word.
    """
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 3)))).capitalize()
