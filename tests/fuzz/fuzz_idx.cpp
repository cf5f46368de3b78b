// An IDX file, plain or gzip: any bytes give as many values as the header says, or a DataError.
#include <cstdlib>

#include "ft/base/error.h"

#include "idx_file.h"
#include "input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ft::InputFile file("images-idx3-ubyte");
  file.write({data, size});
  try {
    const ft::IdxFile idx = ft::read_idx(file.path(), 3);
    std::uint64_t values = 1;
    for (const std::uint32_t side : idx.dimensions) values *= side;
    if (idx.dimensions.size() != 3 || values != idx.values.size()) std::abort();
  } catch (const ft::DataError&) {
  }
  return 0;
}
