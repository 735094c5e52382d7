"""Invented names of neighbourhoods and stations, with the accents and additions that real lists have."""

from __future__ import annotations

import unicodedata

from safemap.datasets._stream import Stream

_SAINTS = (
    "San Jerónimo",
    "San Baltazar",
    "Santa Eduviges",
    "San Ciriaco",
    "Santa Inés",
    "San Hipólito",
    "San Eulalio",
    "Santa Rosalía",
    "San Crispín",
    "San Gaspar",
    "Santa Brígida",
    "San Melchor",
    "San Fermín",
    "Santa Águeda",
    "San Zenón",
    "Santa Lucina",
    "San Abundio",
    "San Plácido",
    "Santa Emerenciana",
    "San Cirilo",
)

_LAND = (
    "Cañada Honda",
    "Peñón Chico",
    "Tezontle Rojo",
    "Las Jacarandas",
    "Los Colibríes",
    "El Ahuejote",
    "La Acequia",
    "Loma Larga",
    "El Pirul",
    "Los Tulipanes",
    "Cerro Pardo",
    "El Tezontlal",
    "La Chinampería",
    "Los Capulines",
    "El Zapotal",
    "La Ciénega",
    "El Mezquital",
    "Las Garzas",
    "Laguna Seca",
    "El Carrizal",
    "Los Ocotes",
    "La Noria Vieja",
    "El Maguey",
    "Piedra Blanca",
    "El Nopalito",
    "La Magnolia",
    "Las Dalias",
    "El Tejocote",
)

_MEMORY = (
    "Doce de Agosto",
    "Veinte de Febrero",
    "Constitución de 1824",
    "Héroes del Canal",
    "Maestro Rural",
    "Poeta Nezahualpilli",
    "Ingeniera Matilde Montoya",
    "Revolución del Sur",
    "Soberanía Popular",
    "Unión Obrera",
    "Plan de San Jerónimo",
    "Guerrilleros de Oriente",
    "Progreso Campesino",
    "Trabajo y Justicia",
    "Nueva Esperanza",
    "Tierra y Labor",
    "Maestras de México",
    "Artesanos Unidos",
    "Ferrocarriles de Oriente",
    "Telegrafistas",
)

_FORMS = (
    "{}",
    "Ampliación {}",
    "Barrio {}",
    "Lomas de {}",
    "{} (U HAB)",
    "{} I",
    "{} II",
    "Ejidos de {}",
    "Rincón de {}",
    "{} (PBLO)",
    "Villas de {}",
    "{} Norte",
    "{} Sur",
    "Jardines de {}",
)

STATIONS = (
    "Los Tezontles",
    "Molino Viejo",
    "El Calvario",
    "Plaza de las Pasiones",
    "Cerro del Colibrí",
    "Acequia Real",
    "Las Chinampas",
    "Deportivo Sur",
    "Tinacal",
    "Pinar del Lago",
)


def neighbourhood_names(count: int, stream: Stream) -> list[str]:
    """`count` different names in random order."""
    stems = (*_SAINTS, *_LAND, *_MEMORY)
    names = [form.format(stem) for form in _FORMS for stem in stems if _sounds_right(form, stem)]
    return stream.pick(names, count)


def plain(text: str) -> str:
    """Upper case without accents, as clerks type: Ñ becomes N too."""
    return "".join(c for c in unicodedata.normalize("NFD", text.upper()) if not unicodedata.combining(c))


def typed(name: str, habit: int) -> str:
    """A neighbourhood as one of five clerks would type it."""
    if habit == 0:
        return name.upper()
    text = plain(name)
    if habit == 1:
        return text.replace("AMPLIACION", "AMPL.").replace("BARRIO", "BO.").replace("EJIDOS", "EJ.")
    if habit == 2:
        return text.replace(" (U HAB)", "").replace(" (PBLO)", "").replace("SANTA ", "STA ")
    return text + "  " if habit == 3 else text


def _sounds_right(form: str, stem: str) -> bool:
    """No 'Lomas de El Pirul', no 'Jardines de Doce de Agosto', and sections only of what has sections."""
    if " de {}" in form:
        return not stem.startswith(("El ", "La ", "Las ", "Los ")) and stem not in _MEMORY
    return True
