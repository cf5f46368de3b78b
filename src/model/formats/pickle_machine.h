// Runs one pickle, protocols 0 to 5, with the opcodes that plain data and torch tensors need. What a pickle
// may call is a closed list; it can neither import nor run anything. Time and memory are linear in the bytes
// read. Reference: Lib/pickletools.py of CPython, which describes every opcode.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "byte_reader.h"
#include "pickle_value.h"

namespace ft::pickle {

class Machine {
 public:
  explicit Machine(ByteReader& input) : input_(input) {}

  // Runs up to STOP and leaves the reader behind it. Call once. DataError for a damaged pickle and for one
  // that asks for more than a state_dict needs.
  [[nodiscard]] Graph run();

 private:
  // Each handles its share of the opcodes and says whether `opcode` was one of them.
  bool run_number(std::uint8_t opcode);
  bool run_text(std::uint8_t opcode);
  bool run_sequence(std::uint8_t opcode);
  bool run_dict(std::uint8_t opcode);
  bool run_memo(std::uint8_t opcode);
  bool run_stack(std::uint8_t opcode);
  bool run_object(std::uint8_t opcode);

  void push(Value value);
  Value pop();
  [[nodiscard]] Value& top();
  // The values above the topmost mark, which goes with them.
  std::vector<Value> pop_to_mark();
  std::vector<Value> pop_last(std::size_t count);
  template <typename T>
  T pop_as(const char* wanted);
  template <typename T>
  [[nodiscard]] const T& expect(const Value& value, const char* wanted) const;
  void count_value();

  void push_sequence(std::vector<Value> values);
  void push_dict(std::vector<Value> keys_and_values);
  void add_to_top_dict(std::vector<Value> keys_and_values);
  void add_to_top_sequence(std::vector<Value> values);
  void push_integer_bytes(std::string_view little_endian);
  void push_integer_line(std::string_view line);
  void remember(std::uint64_t slot);
  void recall(std::uint64_t slot);

  void push_global(std::string_view module, std::string_view name);
  void call();
  [[nodiscard]] Value make_ordered_dict(const Sequence& arguments);
  [[nodiscard]] Value make_tensor(const Sequence& arguments);
  [[nodiscard]] std::vector<std::int64_t> integers(const Value& value);
  void load_storage();

  ByteReader& input_;
  Graph graph_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;  // stack heights
  std::unordered_map<std::uint64_t, Value> memo_;
  std::size_t values_made_ = 0;
};

}  // namespace ft::pickle
