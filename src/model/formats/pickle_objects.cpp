// The closed list of what a pickle may name and call: OrderedDict, torch's storages and tensor builders.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "element_types.h"
#include "pickle_machine.h"

namespace ft::pickle {
namespace {

struct KnownCallable {
  std::string_view module;
  std::string_view name;
  Callable callable;
};

constexpr std::array kCallables = {
    KnownCallable{"collections", "OrderedDict", Callable::kOrderedDict},
    KnownCallable{"torch", "Size", Callable::kSize},
    KnownCallable{"torch._utils", "_rebuild_tensor", Callable::kRebuildTensor},
    KnownCallable{"torch._utils", "_rebuild_tensor_v2", Callable::kRebuildTensorV2},
    KnownCallable{"torch._utils", "_rebuild_parameter", Callable::kRebuildParameter},
};

std::optional<Value> find_global(std::string_view module, std::string_view name) {
  for (const KnownCallable& known : kCallables) {
    if (known.module == module && known.name == name) return known.callable;
  }
  if (module != "torch") return {};
  const auto* type = std::ranges::find(kElementTypes, name, &ElementTypeInfo::torch_storage);
  if (type == kElementTypes.end()) return {};
  return StorageClass{type->type};
}

constexpr const char* kSaveStateDict = "save the weights alone: torch.save(model.state_dict(), FILE)";

}  // namespace

template <typename T>
const T& Machine::expect(const Value& value, const char* wanted) const {
  const T* typed = std::get_if<T>(&value);
  if (typed == nullptr) input_.fail(fmt::format("the pickle is damaged: {} is wanted", wanted));
  return *typed;
}

template <typename T>
T Machine::pop_as(const char* wanted) {
  return expect<T>(pop(), wanted);
}

bool Machine::run_object(std::uint8_t opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string_view module = input_.take_line();
      push_global(module, input_.take_line());
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const auto name = pop_as<std::string_view>("a name");
      push_global(pop_as<std::string_view>("a module's name"), name);
      return true;
    }
    case 'R':   // REDUCE
    case 0x81:  // NEWOBJ
      call();
      return true;
    case 'b':  // BUILD sets attributes; on an OrderedDict that is `_metadata`, versions that nothing here
               // needs
      (void)pop();
      (void)expect<DictId>(top(), "a dict under an attribute");
      return true;
    case 'Q':  // BINPERSID
      load_storage();
      return true;
    default:
      return false;
  }
}

void Machine::push_global(std::string_view module, std::string_view name) {
  if (const auto known = find_global(module, name)) {
    push(*known);
    return;
  }
  constexpr std::size_t kLongestName = 100;
  input_.fail(fmt::format("the pickle asks for '{}.{}', which a state_dict does not need: refused",
                          module.substr(0, kLongestName), name.substr(0, kLongestName)),
              kSaveStateDict);
}

void Machine::call() {
  const auto arguments_id = pop_as<SequenceId>("a tuple of arguments");
  const auto callable = pop_as<Callable>("a function");
  const Sequence& arguments = graph_.at(arguments_id);
  switch (callable) {
    case Callable::kOrderedDict:
      push(make_ordered_dict(arguments));
      return;
    case Callable::kSize:
      if (arguments.size() != 1) input_.fail("the pickle is damaged: torch.Size takes one argument");
      push(expect<SequenceId>(arguments[0], "a tuple"));
      return;
    case Callable::kRebuildTensor:
    case Callable::kRebuildTensorV2:
      push(make_tensor(arguments));
      return;
    case Callable::kRebuildParameter:
      if (arguments.empty()) input_.fail("the pickle is damaged: a parameter without data");
      push(expect<TensorId>(arguments[0], "a tensor"));
      return;
  }
}

// OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]).
Value Machine::make_ordered_dict(const Sequence& arguments) {
  Dict dict;
  if (!arguments.empty()) {
    for (const Value& item : graph_.at(expect<SequenceId>(arguments[0], "a list of pairs"))) {
      const Sequence& pair = graph_.at(expect<SequenceId>(item, "a pair"));
      if (pair.size() != 2) input_.fail("the pickle is damaged: a pair is wanted");
      count_value();
      dict.emplace_back(pair[0], pair[1]);
    }
  }
  graph_.dicts.push_back(std::move(dict));
  return DictId{static_cast<std::uint32_t>(graph_.dicts.size() - 1)};
}

// (storage, first element, shape, strides, ...): requires_grad and hooks, which follow, mean nothing here.
Value Machine::make_tensor(const Sequence& arguments) {
  if (arguments.size() < 4) input_.fail("the pickle is damaged: a tensor lacks its strides");
  graph_.tensors.push_back({.storage = expect<StorageId>(arguments[0], "a storage"),
                            .first = expect<std::int64_t>(arguments[1], "an offset"),
                            .shape = integers(arguments[2]),
                            .strides = integers(arguments[3])});
  return TensorId{static_cast<std::uint32_t>(graph_.tensors.size() - 1)};
}

std::vector<std::int64_t> Machine::integers(const Value& value) {
  std::vector<std::int64_t> result;
  for (const Value& item : graph_.at(expect<SequenceId>(value, "a tuple of integers"))) {
    count_value();
    result.push_back(expect<std::int64_t>(item, "an integer"));
  }
  return result;
}

// ("storage", class, key, device, elements[, view]), where view, of torch before 0.4, is (key, first,
// elements).
void Machine::load_storage() {
  const Sequence& id = graph_.at(pop_as<SequenceId>("a storage's tuple"));
  if (!id.empty() && std::holds_alternative<std::string_view>(id[0]) &&
      std::get<std::string_view>(id[0]) == "module") {
    input_.fail("the pickle holds a whole model with its code, not a state_dict: refused", kSaveStateDict);
  }
  if (id.size() < 5 || expect<std::string_view>(id[0], "a storage's tag") != "storage") {
    input_.fail("the pickle is damaged: a storage's tuple is wanted");
  }
  Storage storage{.type = expect<StorageClass>(id[1], "a storage's class").type,
                  .key = expect<std::string_view>(id[2], "a storage's key"),
                  .first = 0,
                  .count = expect<std::int64_t>(id[4], "a storage's size")};
  if (id.size() > 5 && !std::holds_alternative<None>(id[5])) {
    const Sequence& view = graph_.at(expect<SequenceId>(id[5], "a view's tuple"));
    if (view.size() != 3) input_.fail("the pickle is damaged: a view's tuple is wanted");
    storage.first = expect<std::int64_t>(view[1], "a view's offset");
    storage.count = expect<std::int64_t>(view[2], "a view's size");
  }
  if (storage.first < 0 || storage.count < 0)
    input_.fail("the pickle is damaged: a storage of negative size");
  graph_.storages.push_back(storage);
  push(StorageId{static_cast<std::uint32_t>(graph_.storages.size() - 1)});
}

}  // namespace ft::pickle
