#include "library_versions.h"

#include <png.h>
#include <zlib.h>

#include "ft/data/jpeg_library.h"

#include "import_record.h"

namespace ft {

nlohmann::ordered_json versions_that_decide() {
  nlohmann::ordered_json versions{{"ft_pack", FT_VERSION},       {"libpng", png_access_version_number()},
                                  {"zlib", zlibVersion()},       {"zlib_headers", ZLIB_VERNUM},
                                  {"libjpeg", JPEG_LIB_VERSION}, {"record_bytes", sizeof(ImportedSample)}};
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
  versions["libjpeg_turbo"] = LIBJPEG_TURBO_VERSION_NUMBER;
#endif
  return versions;
}

}  // namespace ft
