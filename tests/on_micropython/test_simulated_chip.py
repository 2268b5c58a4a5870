"""The simulated chip behaves as the real one where drivers and the flash ring can tell."""

import time
from errno import EINVAL, ENODEV, ENOENT

import esp32
import machine
import micropython
import network

from expect import raises

_MPU6050 = 0x68
_ADXL345 = 0x53


def _bus():
    return machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=400000)


def test_the_mpu6050_gives_zeros_until_it_is_woken_and_one_g_then():
    bus = _bus()
    bus.writeto_mem(_MPU6050, 0x6B, b"\x80")  # reset: asleep
    assert bus.readfrom_mem(_MPU6050, 0x75, 1) == b"\x68"
    assert bus.readfrom_mem(_MPU6050, 0x3B, 14) == bytes(14)
    bus.writeto_mem(_MPU6050, 0x6B, b"\x00")
    burst = bus.readfrom_mem(_MPU6050, 0x3B, 14)
    assert burst[4:6] == b"\x40\x00", burst  # z: 16384 per g, big endian
    assert burst[6:8] == b"\xf0\xaf"  # 25 degrees: (25 - 36.53) * 340


def test_the_mpu6050_scales_by_its_configured_range():
    bus = _bus()
    bus.writeto_mem(_MPU6050, 0x6B, b"\x00")
    bus.writeto_mem(_MPU6050, 0x1C, b"\x18")  # 16 g
    assert bus.readfrom_mem(_MPU6050, 0x3F, 2) == b"\x08\x00"
    bus.writeto_mem(_MPU6050, 0x1C, b"\x00")


def test_the_adxl345_gives_zeros_until_it_measures_and_256_per_g_then():
    bus = _bus()
    bus.writeto_mem(_ADXL345, 0x2D, b"\x00")
    assert bus.readfrom_mem(_ADXL345, 0x00, 1) == b"\xe5"
    bus.writeto_mem(_ADXL345, 0x2D, b"\x08")
    assert bus.readfrom_mem(_ADXL345, 0x32, 6) == b"\x00\x00\x00\x00\x00\x01"
    bus.writeto_mem(_ADXL345, 0x31, b"\x03")  # 16 g in 10 bits
    assert bus.readfrom_mem(_ADXL345, 0x36, 2) == b"\x20\x00"
    bus.writeto_mem(_ADXL345, 0x31, b"\x0b")  # 16 g in full resolution
    assert bus.readfrom_mem(_ADXL345, 0x36, 2) == b"\x00\x01"


def test_an_address_without_a_device_is_enodev():
    assert raises(OSError, _bus().readfrom_mem, 0x40, 0, 1).errno == ENODEV


def test_reading_a_sensor_allocates_nothing():
    bus = _bus()
    adc = machine.ADC(machine.Pin(34))
    buffer = bytearray(6)
    bus.readfrom_mem_into(_MPU6050, 0x3B, buffer)
    bus.readfrom_mem_into(_ADXL345, 0x32, buffer)
    micropython.heap_lock()
    bus.readfrom_mem_into(_MPU6050, 0x3B, buffer)
    bus.readfrom_mem_into(_ADXL345, 0x32, buffer)
    adc.read_uv()
    micropython.heap_unlock()


def test_an_analog_pin_gives_its_voltage_within_the_range_of_its_attenuation():
    assert machine.ADC(34, atten=machine.ADC.ATTN_11DB).read_uv() == 750000
    assert machine.ADC(34).read() == 3233  # 750 of 950 mV in 12 bits
    raises(ValueError, machine.ADC, 4)


def test_pins_of_the_flash_and_outputs_on_input_pins_are_refused():
    raises(ValueError, machine.Pin, 6)
    raises(ValueError, machine.Pin, 34, machine.Pin.OUT)
    pin = machine.Pin(5, machine.Pin.OUT, value=1)
    assert machine.Pin(5).value() == 1
    pin.off()
    assert pin() == 0


def test_flash_is_programmed_by_clearing_bits_only_and_erased_by_sector():
    flash = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="capture")[0]
    assert flash.ioctl(4, 0) == 64 and flash.ioctl(5, 0) == 4096
    flash.ioctl(6, 3)
    flash.writeblocks(3, b"\xf0" * 70, 100)
    flash.writeblocks(3, b"\x3c" * 70, 100)
    found = bytearray(72)
    flash.readblocks(3, found, 99)
    assert found == b"\xff" + b"\x30" * 70 + b"\xff"
    flash.ioctl(6, 3)
    flash.readblocks(3, found, 99)
    assert found == b"\xff" * 72


def test_the_simple_write_erases_first_and_takes_whole_sectors():
    flash = esp32.Partition("capture")
    flash.writeblocks(1, b"\x00" * 100, 0)
    flash.writeblocks(1, b"\x55" * 4096)
    found = bytearray(4)
    flash.readblocks(1, found, 0)
    assert found == b"\x55" * 4
    assert raises(OSError, flash.writeblocks, 1, b"\x55" * 100).errno == EINVAL


def test_beyond_the_end_of_a_partition_nothing_is_touched():
    flash = esp32.Partition("capture")
    assert raises(OSError, flash.ioctl, 6, 64).errno == EINVAL
    assert raises(OSError, flash.writeblocks, 63, b"\x00" * 8, 4092).errno == EINVAL
    assert raises(OSError, esp32.Partition, "nothing").errno == ENOENT


def test_the_table_is_that_of_a_4_mb_board_with_a_capture_partition():
    found = [partition.info() for partition in esp32.Partition.find(1)]
    assert [info[4] for info in found] == ["nvs", "phy_init", "vfs", "capture"]
    assert esp32.Partition(esp32.Partition.RUNNING).info()[4] == "factory"


def test_nvs_keeps_integers_and_blobs():
    store = esp32.NVS("test")
    store.set_i32("n", -5)
    store.set_blob("b", b"abc")
    store.commit()
    buffer = bytearray(8)
    again = esp32.NVS("test")
    assert again.get_i32("n") == -5
    assert again.get_blob("b", buffer) == 3 and buffer[:3] == b"abc"
    again.erase_key("n")
    assert raises(OSError, again.get_i32, "n").errno == ENOENT


def test_the_clock_starts_in_2000_and_takes_what_it_is_set_to():
    assert time.gmtime(0)[:6] == (2000, 1, 1, 0, 0, 0)
    assert time.time() < 1000000
    machine.RTC().datetime((2026, 11, 20, 4, 12, 0, 0, 0))
    assert time.gmtime()[:4] == (2026, 11, 20, 12)
    assert time.mktime((2026, 11, 20, 12, 0, 0, 0, 0)) == 848491200
    time.set_s = 0


def test_a_timer_keeps_its_grid_and_its_number():
    calls = []
    timer = machine.Timer(2)
    timer.init(period=10000, tick_hz=1000000, callback=calls.append)
    until = time.ticks_add(time.ticks_ms(), 5000)
    while len(calls) < 5 and time.ticks_diff(until, time.ticks_ms()) > 0:
        time.sleep_ms(1)
    timer.deinit()
    assert len(calls) >= 5 and calls[0] is timer
    assert machine.Timer(2) is timer
    seen = len(calls)
    time.sleep_ms(30)
    assert len(calls) <= seen + 1  # one may have been queued already
    raises(ValueError, machine.Timer, 4)
    raises(ValueError, machine.Timer, -1)


def test_wifi_joins_after_a_while():
    station = network.WLAN(network.STA_IF)
    assert not station.isconnected()
    station.active(True)
    station.connect("ssid", "password")
    assert station.status() == network.STAT_CONNECTING
    while not station.isconnected():
        time.sleep_ms(10)
    assert station.status("rssi") == -55
