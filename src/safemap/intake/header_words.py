"""Words of headers in English, Spanish, Russian, Uzbek (both scripts) and Swahili, by role."""

from __future__ import annotations

#: role to words, the best first, parted by semicolons
_WORDS = {
    "lon": ("longitude; longitud; lon; lng; long; долгота; uzunlik; узунлик; longitudo; coord lon; gps lon"),
    "lat": ("latitude; latitud; lat; широта; kenglik; кенглик; latitudo; coord lat; gps lat"),
    "x": ("x; coord x; x coord; x coordinate; coordx; easting; este; utm x; point x; xcoord"),
    "y": ("y; coord y; y coord; y coordinate; coordy; northing; norte; utm y; point y; ycoord"),
    "date": (
        "fecha hecho; fecha del hecho; date of event; occurred; event date; date of incident; incident "
        "date; дата события; дата происшествия; дата совершения; voqea sanasi; sodir etilgan sana; содир "
        "этилган сана; tarehe ya tukio; date; fecha; дата; sana; сана; tarehe; "
        "datetime; date time; fecha hora; month; mes"
    ),
    "reported": (
        "date reported; reported date; report date; reported; fecha inicio; fecha denuncia; fecha de "
        "denuncia; fecha registro; дата регистрации; дата заявления; дата сообщения; royxatga olingan sana; "
        "рўйхатга олинган сана; tarehe ya kuripoti; royxatga olingan; рўйхатга олинган; зарегистрировано дата"
    ),
    "time": (
        "hora hecho; hora del hecho; time of event; event time; incident time; time; hora; время; vaqt; "
        "вақт; saa; muda"
    ),
    "category": (
        "offence; offense; delito; primary type; crime type; crime; category; type of offence; вид "
        "преступления; статья; преступление; jinoyat turi; жиноят тури; jinoyat; жиноят; aina ya kosa; "
        "kosa; categoria; tipo; incidente; type; вид; turi; тури; aina"
    ),
    "id": (
        "id; case id; кусп; case number; incident id; record id; folio; expediente; carpeta; cve; clave; "
        "cveut; "
        "code; codigo; gid; geoid; uid; uuid; код; номер; номер дела; kodi; raqami; рақами; namba; no; nr; "
        "№"
    ),
    "area_id": ("cve; clave; cveut; code; gid; geoid; id; codigo; код; kodi; коди; msimbo"),
    "area": (
        "area id; neighbourhood; neighborhood; district; ward; sub county; county; colonia hecho; colonia; "
        "barrio; alcaldia hecho; alcaldia; municipio; mahalla; маҳалла; махалля; mfy; мфй; tuman; туман; "
        "район; kata; mtaa; kaunti; area; zone; precinct; beat; cuadrante; sector"
    ),
    "count": (
        "count; counts; number of incidents; number of offences; events; incidents; cases; cantidad; casos; "
        "conteo; количество; число; зарегистрировано; soni; сони; idadi; total"
    ),
    "weight": (
        "weight; weights; final weight; sampling weight; peso; ponderador; factor; fac; factor de "
        "expansion; fac ele; вес; весовой коэффициент; vazn; вазн; uzito"
    ),
    "stratum": ("est dis; stratum; strata; estrato; est var; страта; слой; strata raqami; tabaka"),
    "psu": (
        "upm dis; psu; cluster; enumeration area; ea; upm; conglomerado; кластер; klaster; пео; "
        "kituo cha "
        "kuhesabia; primary sampling unit"
    ),
    "address": (
        "address; direccion; domicilio; calle; street; block; location; адрес; улица; manzil; манзил; "
        "kocha; кўча; anwani; mtaa wa"
    ),
    "name": ("name; nombre; nomut; nomgeo; nom; label; название; наименование; nomi; номи; jina"),
    "population": (
        "population; poblacion; pobtot; sumpob1; pop; pob; residents; inhabitants; habitantes; people; "
        "население; aholi; аҳоли; idadi ya watu; wakazi"
    ),
    "personal": (
        "victim name; name of victim; full name; first name; last name; surname; suspect; complainant; "
        "respondent name; phone; phone number; mobile; telephone; email; e mail; passport; national id; id "
        "number; date of birth; dob; nombre victima; nombre completo; nombre y apellido; apellido; "
        "apellidos; apellido paterno; apellido materno; telefono; celular; correo; curp; rfc; ine; "
        "denunciante; fecha de nacimiento; фио; фамилия; имя; отчество; потерпевший; заявитель; телефон; "
        "паспорт; пинфл; дата рождения; почта; fish; ф и ш; фиш; familiyasi; familiya; ismi; исми; "
        "фамилияси; jabrlanuvchi; жабрланувчи; telefon raqami; pasport; jshshir; жшшир; tugilgan sanasi; "
        "туғилган санаси; jina la mwathirika; jina kamili; simu; nambari ya simu; kitambulisho; barua pepe; "
        "tarehe ya kuzaliwa; imei; deviceid; subscriberid; username; phonenumber; plate; placa; narrative; "
        "narracion; relato; фабула"
    ),
}

WORDS: dict[str, tuple[str, ...]] = {
    role: tuple(word.strip() for word in words.split(";")) for role, words in _WORDS.items()
}
