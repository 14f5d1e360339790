"""What makes a virtual deck stand still and silent, so that one part of it is heard alone."""

from modeling.deck.parameters import Transport

MOTIONLESS = {
    f"transport.{name}": 0.0
    for name in Transport.model_fields
    if name.endswith(("percent", "per_min")) or name.startswith("rewind")
} | {"tracks.skew_us": 0.0, "tracks.skew_wander_us": 0.0}

SILENT = {
    "tape.hiss_dba": -120.0,
    "tape.modulation_db": -120.0,
    "electronics.noise_dba": -140.0,
    "electronics.hum_db": None,
}
