"""Gorodets: 18 schools with low results in the four models of support, 6 + 6 + 2 + 4."""

from .places import schools

PRACTICE = schools(
    1,
    (
        ("gorodets-s16", "Основная школа № 16", 14, 2, False),
        ("gorodets-s18", "Средняя школа № 18", 24, 2, True),
        ("gorodets-v2", "Вечерняя (сменная) школа № 2", 10, 2, True),
        ("gorodets-ilinskaya", "Ильинская основная школа", 15, 2, False),
        ("gorodets-fedurinskaya", "Федуринская основная школа", 14, 2, False),
        ("gorodets-krasnoramenskaya", "Краснораменская основная школа", 13, 2, False),
    ),
)
BASIC = schools(
    7,
    (
        ("gorodets-s15", "Средняя школа № 15", 32, 3, True),
        ("gorodets-s8", "Средняя школа № 8", 30, 3, True),
        ("gorodets-s5", "Средняя школа № 5", 28, 3, True),
        ("gorodets-kovriginskaya", "Ковригинская основная школа", 14, 2, False),
        ("gorodets-serkovskaya", "Серковская основная школа", 13, 2, False),
        ("gorodets-zinyakovskaya", "Зиняковская основная школа", 13, 2, False),
    ),
)
ADDRESSED = schools(
    13,
    (
        ("gorodets-brilyakovskaya", "Бриляковская средняя школа", 18, 2, True),
        ("gorodets-strochkovskaya", "Строчковская средняя школа", 17, 2, True),
    ),
)
NETWORK = schools(
    15,
    (
        ("gorodets-s3", "Средняя школа № 3", 34, 3, True),
        ("gorodets-s4", "Средняя школа № 4", 31, 3, True),
        ("gorodets-aksentisskaya", "Аксентисская основная школа", 12, 2, False),
        ("gorodets-zarubinskaya", "Зарубинская основная школа", 12, 2, False),
    ),
)
SCHOOLS = PRACTICE + BASIC + ADDRESSED + NETWORK
