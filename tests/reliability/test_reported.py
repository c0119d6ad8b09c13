"""Situations that public bug reports of this field and an attack described, and the test that reproduces each of them.

`REPORTED` lists what happened to others, and where it is tried here, on files that the tests make themselves. Tests
that have no other room are below it.
"""

import ast
import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import read_bytes
from tests.io.photos.side_data import PICTURE, VIDEO, jpeg, segment

TESTS = Path(__file__).parents[1]
REPORTED = """
Of files and metadata
- ONNX Runtime tells its makers of its use:
  reliability/test_privacy.py:test_no_verb_reaches_the_network_or_marks_the_machine
- a JPEG within a TIFF is turned twice:
  io/photos/test_orientations.py:test_a_tiff_is_turned_once
- a mask of 0 and 255 in floating point:
  cli/test_sci_camera.py:test_masks_in_any_numbers_are_transmissions
- Adobe RGB that EXIF alone tells:
  io/photos/test_colours.py:test_adobe_rgb_by_exif_alone
- a profile of other primaries has sRGB in its name:
  io/photos/test_colours.py:test_a_profile_counts_by_its_colorants_and_curves_not_by_its_name
- the HDR colours of an AVIF are lost:
  io/photos/test_containers.py:test_hdr_of_an_avif_goes_into_a_png
- IPTC data of a JPEG are lost:
  io/photos/test_side_data.py:test_side_data_is_kept_or_said
- extended XMP is lost, and still named:
  reliability/test_reported.py:test_no_packet_claims_an_extension_that_is_not_there
- the video of a motion photo is lost, and still claimed:
  reliability/test_reported.py:test_no_packet_claims_a_video_or_gain_map_that_is_not_there
- a maker note moves from what it points to:
  io/photos/test_containers.py:test_what_a_maker_note_points_to_stays_where_it_is
- texts of EXIF 3.0 (UTF-8) are lost:
  io/photos/test_side_data.py:test_side_data_is_kept_or_said
- an orientation is stored with another type:
  io/photos/test_orientations.py:test_an_orientation_counts_in_any_type_and_any_place
- an orientation stands in a text of a PNG:
  io/photos/test_odd_files.py:test_exif_is_found_behind_any_prefix
- a damaged profile refuses a whole PNG:
  io/photos/test_damage.py:test_the_photo_is_read_and_the_damage_said
- an interlaced PNG is noisy:
  io/photos/test_damage.py:test_an_interlaced_png_is_exact_and_quiet
- an orthophoto loses its place:
  io/photos/test_side_data.py:test_side_data_is_kept_or_said
- a transparency mask counts as a page:
  io/photos/test_damage.py:test_a_mask_beside_the_photo_is_no_page
- a resolution is stored with another type:
  io/photos/test_damage.py:test_a_resolution_of_any_type
- a lost EXIF pointer refuses a whole TIFF:
  io/photos/test_damage.py:test_the_photo_is_read_and_the_damage_said
- what lies beside an AVIF has another depth:
  io/photos/test_containers.py:test_properties_count_for_the_items_they_are_associated_with

Of cubes
- gains and offsets of ENVI are ignored:
  io/cubes/test_envi_facts.py:test_gains_and_offsets_are_applied
- the number for no data becomes a value:
  io/cubes/test_envi_facts.py:test_what_is_no_data_stays_no_data
- a unit is spelt another way:
  io/cubes/test_envi_facts.py:test_units_however_they_are_spelt
- widths of bands are invented, the place is lost:
  io/cubes/test_envi_facts.py:test_widths_place_bad_bands_and_names_are_kept
- the data file of ENVI has another name:
  io/cubes/test_envi_facts.py:test_the_data_file_may_have_any_name
- wavelengths are out of order:
  io/cubes/test_envi_facts.py:test_bands_out_of_order_are_sorted_with_all_that_is_said_of_them
- a MAT file is locked by another program:
  io/cubes/test_hdf5.py:test_a_file_that_another_program_has_open_is_read
- a sparse GeoTIFF is called truncated:
  reliability/test_reported.py:test_blocks_that_were_never_written_are_zeros

Of streams and machines
- stdin is closed:
  cli/test_output.py:test_stdin_may_be_closed
- stderr is on a full disk:
  cli/test_output.py:test_lines_that_a_full_disk_does_not_take_are_lost_and_the_batch_is_done
- a control group of version 1 limits the memory:
  inference/test_cpus.py:test_memory_limits_of_version_1
- a timeout of the Hub is no number:
  weights/test_hub_guard.py:test_timeouts_of_the_hub_that_are_no_numbers
- FORCE_COLOR puts bars into a log:
  cli/test_output.py:test_no_bars_where_colours_are_asked_for_and_stderr_is_no_terminal

Of attackers
- ONNX hides that it keeps tensors in other files:
  export/test_engine.py:test_tensors_in_other_files_cannot_be_hidden
- a JPEG with a long run of 0xff takes hours:
  reliability/test_reported.py:test_a_run_of_one_byte_costs_no_time
- an OME-TIFF names other files:
  io/cubes/test_other_files.py:test_an_ome_tiff_is_its_own_pixels
- a chunk of a MAT file unpacks to gigabytes:
  io/cubes/test_hdf5.py:test_a_chunk_far_larger_than_its_dataset_is_refused
- a MAT file crashes HDF5, and with it the batch:
  io/cubes/test_hdf5.py:test_a_wrong_checksum_or_size_is_bad_data
- a link in the cache leads to a file of the user:
  weights/test_hub_guard.py:test_a_link_out_of_the_cache_is_refused_and_what_it_names_stays
- a compiled library is cut:
  parity/test_native.py:test_a_damaged_file_is_made_anew
- a narrow PNG cannot be written:
  io/photos/test_damage.py:test_any_size_can_be_written
- a resumed run replaces what was retouched:
  batch/test_run.py:test_killed_between_the_move_and_its_line_a_file_is_ours_until_someone_changes_it
- a name commands the terminal from a bar:
  cli/test_progress.py:test_names_in_bars_are_printable
- a checkpoint declares absurd sizes:
  contracts/test_typed.py:test_absurd_sizes_are_refused_before_anything_is_built
- a mapped file is cut while it is read:
  io/cubes/test_other_files.py:test_a_file_that_shrinks_while_it_is_read_is_bad_data
"""


@pytest.mark.parametrize("test", re.findall(r"^  (\S+)$", REPORTED, re.MULTILINE))
def test_each_situation_has_its_test(test):
    file, name = test.split(":")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


XAP = b"http://ns.adobe.com/xap/1.0/\0"
MOTION = b"""<x:xmpmeta><rdf:Description GCamera:MotionPhoto="1" GCamera:MotionPhotoPresentationTimestampUs="7"
 hdrgm:Version="1.0" hdrgm:GainMapMax="3.2"><Container:Directory><rdf:Seq>
<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary"/></rdf:li>
<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="324"/>
</rdf:li><rdf:li><Container:Item Item:Semantic="GainMap" Item:Length="9"/></rdf:li></rdf:Seq></Container:Directory>
<GCamera:MicroVideo>1</GCamera:MicroVideo></rdf:Description></x:xmpmeta>"""


def test_no_packet_claims_a_video_or_gain_map_that_is_not_there(tmp_path):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, XAP + MOTION), trailer=VIDEO))
    assert photo.notes == (f"a video behind the picture ({len(VIDEO)} bytes) was left out",)
    write_photo(tmp_path / "b.jpg", photo.pixels, like=photo)
    written = read_photo(tmp_path / "b.jpg").metadata.xmp
    assert b'MotionPhoto="0"' in written and b"<GCamera:MicroVideo>0<" in written
    assert b'Semantic="Primary"' in written
    assert not any(word in written for word in (b"video/mp4", b"GainMap", b"hdrgm:"))


@pytest.mark.parametrize(
    "claim", [b'<r xmpNote:HasExtendedXMP="%s"/>', b"<r><xmpNote:HasExtendedXMP>%s</xmpNote:HasExtendedXMP></r>"]
)
def test_no_packet_claims_an_extension_that_is_not_there(tmp_path, claim):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, XAP + claim % (b"0" * 32))))
    assert photo.metadata.xmp.startswith(b"<r") and b"HasExtendedXMP" not in photo.metadata.xmp


@pytest.mark.parametrize("byte", [b"\xff", b"\xfe", b"\0"])
def test_a_run_of_one_byte_costs_no_time(tmp_path, byte):
    """As an erased block of a flash memory leaves it within the data of a JPEG."""
    data = jpeg()
    start = time.process_time()
    photo = read_bytes(tmp_path / "a.jpg", data[:-2] + byte * 2_000_000 + b"\0" + data[-2:])
    assert photo.colours.shape == PICTURE.shape and time.process_time() - start < 5


@pytest.mark.parametrize("compression", [None, "zlib", "zstd"])
def test_blocks_that_were_never_written_are_zeros(tmp_path, compression):
    """GDAL leaves them out with SPARSE_OK: a place and a size of 0."""
    buffer = io.BytesIO()
    values = np.random.default_rng(0).random((32, 48), np.float32)
    tifffile.imwrite(buffer, values, photometric="minisblack", tile=(16, 16), compression=compression, metadata=None)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        for tag in (tif.pages[0].tags[324], tif.pages[0].tags[325]):
            size = tag.valuebytecount // tag.count
            data[tag.valueoffset + size : tag.valueoffset + 2 * size] = bytes(size)
    (tmp_path / "a.tif").write_bytes(data)
    expected = values.copy()
    expected[:16, 16:32] = 0
    np.testing.assert_array_equal(read_cube(tmp_path / "a.tif").values[..., 0], expected)


def test_a_photo_without_side_data_is_read_without_a_word(tmp_path):
    """So that a note is one."""
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    assert read_bytes(tmp_path / "a.png", buffer.getvalue()).notes == ()
