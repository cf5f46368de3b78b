// The opcodes of plain data; what objects and tensors need is in pickle_objects.cpp.
#include "pickle_machine.h"

#include <bit>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

namespace ft::pickle {
namespace {

constexpr std::uint8_t kNewestProtocol = 5;
// A state_dict makes about thirty values a tensor; a file that wants a hundred thousand tensors is not one.
constexpr std::size_t kMostValues = std::size_t{1} << 22;

}  // namespace

Graph Machine::run() {
  while (true) {
    const auto opcode = input_.take_little_endian<std::uint8_t>();
    if (opcode == '.') break;
    const bool known = run_number(opcode) || run_text(opcode) || run_sequence(opcode) || run_dict(opcode) ||
                       run_memo(opcode) || run_stack(opcode) || run_object(opcode);
    if (!known) {
      input_.fail(fmt::format("the pickle uses opcode 0x{:02x}, which no state_dict needs", opcode));
    }
  }
  graph_.root = pop();
  return std::move(graph_);
}

bool Machine::run_number(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push(None{});
      return true;
    case 0x88:  // NEWTRUE
      push(true);
      return true;
    case 0x89:  // NEWFALSE
      push(false);
      return true;
    case 'K':  // BININT1
      push(std::int64_t{input_.take_little_endian<std::uint8_t>()});
      return true;
    case 'M':  // BININT2
      push(std::int64_t{input_.take_little_endian<std::uint16_t>()});
      return true;
    case 'J':  // BININT
      push(std::int64_t{input_.take_little_endian<std::int32_t>()});
      return true;
    case 0x8a:  // LONG1
      push_integer_bytes(input_.take_text(input_.take_little_endian<std::uint8_t>()));
      return true;
    case 0x8b:  // LONG4
      push_integer_bytes(input_.take_text(input_.take_little_endian<std::uint32_t>()));
      return true;
    case 'I':
    case 'L':
      push_integer_line(input_.take_line());
      return true;
    case 'G':  // BINFLOAT is big-endian
      push(std::bit_cast<double>(__builtin_bswap64(input_.take_little_endian<std::uint64_t>())));
      return true;
    default:
      return false;
  }
}

void Machine::push_integer_bytes(std::string_view little_endian) {
  if (little_endian.size() > sizeof(std::int64_t)) {
    push(BigInteger{little_endian});
    return;
  }
  const bool negative =
      !little_endian.empty() && (static_cast<std::uint8_t>(little_endian.back()) & 0x80) != 0;
  std::uint64_t bits = negative ? ~std::uint64_t{0} : 0;
  std::memcpy(&bits, little_endian.data(), little_endian.size());
  push(std::bit_cast<std::int64_t>(bits));
}

void Machine::push_integer_line(std::string_view line) {
  if (line == "00" || line == "01") {  // how protocols 0 and 1 write a bool
    push(line == "01");
    return;
  }
  if (line.ends_with('L')) line.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc{} || end != line.data() + line.size()) {
    input_.fail("the pickle holds a malformed integer");
  }
  push(value);
}

bool Machine::run_text(std::uint8_t opcode) {
  switch (opcode) {
    case 0x8c:  // SHORT_BINUNICODE
    case 'U':   // SHORT_BINSTRING
    case 'C':   // SHORT_BINBYTES
      push(input_.take_text(input_.take_little_endian<std::uint8_t>()));
      return true;
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
      push(input_.take_text(input_.take_little_endian<std::uint32_t>()));
      return true;
    case 0x8d:  // BINUNICODE8
    case 0x8e:  // BINBYTES8
      push(input_.take_text(input_.take_little_endian<std::uint64_t>()));
      return true;
    case 'V': {  // UNICODE: a line with escapes, which names of tensors do not have
      const std::string_view line = input_.take_line();
      if (line.find('\\') != std::string_view::npos) input_.fail("the pickle holds a string with escapes");
      push(line);
      return true;
    }
    default:
      return false;
  }
}

bool Machine::run_sequence(std::uint8_t opcode) {
  switch (opcode) {
    case ')':
    case ']':
      push_sequence({});
      return true;
    case 't':
    case 'l':
      push_sequence(pop_to_mark());
      return true;
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      push_sequence(pop_last(opcode - 0x84U));
      return true;
    case 'a':  // APPEND
      add_to_top_sequence(pop_last(1));
      return true;
    case 'e':  // APPENDS
      add_to_top_sequence(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Machine::run_dict(std::uint8_t opcode) {
  switch (opcode) {
    case '}':
      push_dict({});
      return true;
    case 'd':
      push_dict(pop_to_mark());
      return true;
    case 's':  // SETITEM
      add_to_top_dict(pop_last(2));
      return true;
    case 'u':  // SETITEMS
      add_to_top_dict(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Machine::run_memo(std::uint8_t opcode) {
  switch (opcode) {
    case 'q':  // BINPUT
      remember(input_.take_little_endian<std::uint8_t>());
      return true;
    case 'r':  // LONG_BINPUT
      remember(input_.take_little_endian<std::uint32_t>());
      return true;
    case 0x94:  // MEMOIZE
      remember(memo_.size());
      return true;
    case 'h':  // BINGET
      recall(input_.take_little_endian<std::uint8_t>());
      return true;
    case 'j':  // LONG_BINGET
      recall(input_.take_little_endian<std::uint32_t>());
      return true;
    case 'p':
    case 'g': {
      const std::string_view line = input_.take_line();
      std::uint64_t slot = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), slot);
      if (error != std::errc{} || end != line.data() + line.size()) {
        input_.fail("the pickle names a malformed memo slot");
      }
      opcode == 'p' ? remember(slot) : recall(slot);
      return true;
    }
    default:
      return false;
  }
}

bool Machine::run_stack(std::uint8_t opcode) {
  switch (opcode) {
    case 0x80: {  // PROTO
      const auto protocol = input_.take_little_endian<std::uint8_t>();
      if (protocol > kNewestProtocol) input_.fail(fmt::format("pickle protocol {} is unknown", protocol));
      return true;
    }
    case 0x95:  // FRAME: a hint for readers that fetch ahead
      input_.skip(sizeof(std::uint64_t));
      return true;
    case '(':
      marks_.push_back(stack_.size());
      count_value();
      return true;
    case '0':  // POP
      (void)pop();
      return true;
    case '1':  // POP_MARK
      (void)pop_to_mark();
      return true;
    case '2':  // DUP
      push(Value(top()));
      return true;
    default:
      return false;
  }
}

void Machine::count_value() {
  if (++values_made_ > kMostValues) input_.fail("the pickle is far larger than a state_dict's");
}

void Machine::push(Value value) {
  count_value();
  stack_.push_back(value);
}

Value& Machine::top() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) input_.fail("the pickle is damaged: its stack is empty");
  return stack_.back();
}

Value Machine::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

std::vector<Value> Machine::pop_to_mark() {
  if (marks_.empty()) input_.fail("the pickle is damaged: a mark is missing");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Value> values(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return values;
}

std::vector<Value> Machine::pop_last(std::size_t count) {
  std::vector<Value> values(count);
  for (std::size_t i = count; i-- > 0;) values[i] = pop();
  return values;
}

void Machine::push_sequence(std::vector<Value> values) {
  graph_.sequences.push_back(std::move(values));
  push(SequenceId{static_cast<std::uint32_t>(graph_.sequences.size() - 1)});
}

void Machine::push_dict(std::vector<Value> keys_and_values) {
  graph_.dicts.emplace_back();
  push(DictId{static_cast<std::uint32_t>(graph_.dicts.size() - 1)});
  add_to_top_dict(std::move(keys_and_values));
}

void Machine::add_to_top_dict(std::vector<Value> keys_and_values) {
  const auto* id = std::get_if<DictId>(&top());
  if (id == nullptr || keys_and_values.size() % 2 != 0)
    input_.fail("the pickle is damaged: a dict is wanted");
  Dict& dict = graph_.at(*id);
  for (std::size_t i = 0; i < keys_and_values.size(); i += 2) {
    dict.emplace_back(keys_and_values[i], keys_and_values[i + 1]);
  }
}

void Machine::add_to_top_sequence(std::vector<Value> values) {
  const auto* id = std::get_if<SequenceId>(&top());
  if (id == nullptr) input_.fail("the pickle is damaged: a list is wanted");
  Sequence& sequence = graph_.at(*id);
  sequence.insert(sequence.end(), values.begin(), values.end());
}

void Machine::remember(std::uint64_t slot) {
  count_value();
  memo_.insert_or_assign(slot, top());
}

void Machine::recall(std::uint64_t slot) {
  const auto found = memo_.find(slot);
  if (found == memo_.end()) input_.fail(fmt::format("the pickle asks for memo slot {}, never filled", slot));
  push(found->second);
}

}  // namespace ft::pickle
