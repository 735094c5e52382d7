"""The questionnaire of the synthetic Mathare survey as an XLSForm, in English and Swahili."""

from __future__ import annotations

from collections.abc import Sequence

ENGLISH, SWAHILI = "English (en)", "Kiswahili (sw)"

#: list name -> (code, English, Swahili)
CHOICES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "yes_no": (("1", "Yes", "Ndiyo"), ("0", "No", "Hapana"), ("99", "Don't know", "Sijui")),
    "sex": (("f", "Female", "Mwanamke"), ("m", "Male", "Mwanaume")),
    "safety": (
        ("1", "Very safe", "Salama sana"),
        ("2", "Fairly safe", "Salama kiasi"),
        ("3", "A bit unsafe", "Si salama kidogo"),
        ("4", "Very unsafe", "Si salama kabisa"),
        ("99", "Don't know", "Sijui"),
    ),
    "place": (
        ("stage", "Bus stage", "Stendi ya basi"),
        ("alley", "Alleys", "Vichochoro"),
        ("river", "River path", "Njia ya mtoni"),
        ("water", "Water point", "Mahali pa kuchota maji"),
        ("toilet", "Shared toilet", "Choo cha jamii"),
        ("none", "None of these", "Hakuna kati ya haya"),
    ),
    "crime": (
        ("robbery", "Robbery", "Unyang'anyi"),
        ("theft", "Theft", "Wizi"),
        ("burglary", "Burglary", "Uvunjaji wa nyumba"),
        ("assault", "Assault", "Shambulio"),
        ("fraud", "Mobile money fraud", "Ulaghai wa pesa za simu"),
    ),
    "reason": (
        ("no_use", "Nothing would be done", "Hakuna ambacho kingefanyika"),
        ("fear", "Afraid of revenge", "Kuogopa kulipiziwa kisasi"),
        ("far", "Station too far", "Kituo kiko mbali"),
        ("99", "Don't know", "Sijui"),
    ),
    "where": (
        ("home", "At home", "Nyumbani"),
        ("block", "Elsewhere in this block", "Mahali pengine katika mtaa huu"),
        ("mathare", "In another block", "Katika mtaa mwingine"),
        ("city", "Elsewhere in the city", "Mahali pengine jijini"),
    ),
}

#: type, name, English, Swahili, relevant, required
SURVEY: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("start", "start", "", "", "", ""),
    ("end", "end", "", "", "", ""),
    ("select_one ward", "ward_id", "Ward", "Wadi", "", "yes"),
    ("select_one block", "block_id", "Block", "Mtaa", "", "yes"),
    ("text", "ea_id", "Enumeration area", "Eneo la kuhesabia", "", "yes"),
    ("integer", "household", "Number of the household on the list", "Nambari ya kaya", "", "yes"),
    ("begin_group", "person", "The respondent", "Mhojiwa", "", ""),
    ("integer", "adults", "How many adults live here?", "Watu wazima wangapi wanaishi hapa?", "", "yes"),
    ("select_one sex", "sex", "Sex", "Jinsia", "", ""),
    ("integer", "age", "Age in years", "Umri kwa miaka", "", ""),
    ("end_group", "", "", "", "", ""),
    ("begin_group", "safety", "Safety", "Usalama", "", ""),
    (
        "select_one safety", "after_dark",
        "How safe do you feel walking alone in your block after dark?",
        "Unajisikia salama kiasi gani ukitembea peke yako mtaani kwako baada ya giza?", "", "",
    ),
    (
        "select_multiple place", "avoid", "Which places do you avoid after dark?",
        "Ni mahali gani unapoepuka baada ya giza?", "${after_dark} = '3' or ${after_dark} = '4'", "",
    ),
    (
        "integer", "nights_out", "On how many of the last 7 nights were you out after dark? (99: don't know)",
        "Katika usiku 7 zilizopita, ni usiku ngapi ulikuwa nje baada ya giza? (99: sijui)", "", "",
    ),
    (
        "select_one yes_no", "victim", "Did any crime happen to you in the last 12 months?",
        "Je, umekumbwa na uhalifu wowote katika miezi 12 iliyopita?", "", "",
    ),
    ("end_group", "", "", "", "", ""),
    ("begin_group", "told", "What happened", "Kilichotokea", "${victim} = '1'", ""),
    ("select_multiple crime", "what_happened", "What happened to you?", "Ni nini kilikutokea?", "", ""),
    ("select_one yes_no", "reported", "Did you report it?", "Je, uliripoti?", "", ""),
    ("select_one reason", "why_not", "Why not?", "Kwa nini hukuripoti?", "${reported} = '0'", ""),
    ("begin_repeat", "incident", "Each incident", "Kila tukio", "", ""),
    ("select_one crime", "kind", "What was it?", "Lilikuwa tukio gani?", "", ""),
    ("integer", "month", "In which month?", "Mwezi gani?", "", ""),
    ("select_one where", "where", "Where did it happen?", "Lilitokea wapi?", "", ""),
    ("end_repeat", "", "", "", "", ""),
    ("end_group", "", "", "", "", ""),
    (
        "select_one yes_no", "radio", "Did you listen to the radio yesterday?",
        "Je, ulisikiliza redio jana?", "", "",
    ),
    ("geopoint", "location", "Position of the home", "Mahali nyumba ilipo", "", ""),
)  # fmt: skip


def form_sheets(
    wards: Sequence[tuple[str, str]], blocks: Sequence[tuple[str, str]]
) -> dict[str, list[list[str]]]:
    """The sheets of the form; wards and blocks (code, name) are lists of choices."""
    label = [f"label::{ENGLISH}", f"label::{SWAHILI}"]
    survey = [["type", "name", *label, "relevant", "required"], *(list(row) for row in SURVEY)]
    lists = {
        "ward": [(code, name, name) for code, name in wards],
        "block": [(code, name, name) for code, name in blocks],
        **CHOICES,
    }
    choices = [["list_name", "name", *label]]
    choices += [[name, *choice] for name, listed in lists.items() for choice in listed]
    settings = [
        ["form_title", "form_id", "version", "default_language"],
        ["Safety in Mathare (synthetic)", "mathare_safety_2023", "2023-06-01", ENGLISH],
    ]
    return {"survey": survey, "choices": choices, "settings": settings}
