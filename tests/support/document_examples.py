"""The robot configs that the documents show for micro-server, as JSON text."""

SERVICE_ONLY = """
{"components": [],
 "services": [{"name": "my-data-manager", "namespace": "rdk", "type": "data_manager",
   "attributes": {"capture_dir": "", "tags": [], "additional_sync_paths": [],
                  "sync_interval_mins": 3}}]}
"""

TWO_SENSORS = """
{"services": [{"attributes": {"capture_dir": "", "tags": [], "additional_sync_paths": [],
                              "sync_interval_mins": 3},
               "name": "dm", "namespace": "rdk", "type": "data_manager"}],
 "components": [
  {"type": "sensor", "model": "tmp36",
   "attributes": {"analog_reader": "temp", "num_readings": 15}, "depends_on": [],
   "service_configs": [{"attributes": {"capture_methods": [
      {"capture_frequency_hz": 0.2, "cache_size_kb": 10, "additional_params": {},
       "method": "Readings"}]}, "type": "data_manager"}],
   "name": "tmp36", "namespace": "rdk"},
  {"type": "sensor", "model": "wifi-rssi", "attributes": {},
   "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": [
      {"additional_params": {}, "method": "Readings", "capture_frequency_hz": 0.1,
       "cache_size_kb": 10}]}}],
   "name": "my-wifi-sensor", "namespace": "rdk"}]}
"""

REMOTE_BOARD = """
{"components": [
  {"name": "my-esp32", "model": "esp32", "type": "board", "namespace": "rdk",
   "attributes": {"pins": [27],
     "analogs": [{"pin": "34", "name": "A1"}, {"pin": "35", "name": "A2"}]},
   "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": [
      {"method": "Analogs", "additional_params": {"reader_name": "A1"},
       "cache_size_kb": 10, "capture_frequency_hz": 10},
      {"method": "Analogs", "additional_params": {"reader_name": "A2"},
       "cache_size_kb": 10, "capture_frequency_hz": 10}]}}]}]}
"""

SYNC_EVERY_SIX_SECONDS = """
{"components": [], "services": [{"name": "data_manager", "type": "data_manager",
  "attributes": {"sync_interval_mins": 0.1, "capture_dir": "", "sync_disabled": false,
                 "additional_sync_paths": ["/logs"]}}]}
"""

ALL = (SERVICE_ONLY, TWO_SENSORS, REMOTE_BOARD, SYNC_EVERY_SIX_SECONDS)
