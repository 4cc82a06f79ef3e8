#include "wire/expression_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "wire/expression_lexer.h"

namespace bulkhead {
namespace {

struct Node {
  Expression expression;
  int depth = 1;
  size_t column = 1;
};

// True where the node can never be a boolean, so that and/or/not over it is a mistake and not
// merely undefined.
bool NeverBoolean(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kLiteral:
      return !expression.literal.is_bool();
    case ExpressionOp::kList:
    case ExpressionOp::kAdd:
    case ExpressionOp::kSubtract:
    case ExpressionOp::kMultiply:
    case ExpressionOp::kDivide:
    case ExpressionOp::kModulo:
    case ExpressionOp::kNegate:
    case ExpressionOp::kFloor:
    case ExpressionOp::kRound:
    case ExpressionOp::kCeil:
    case ExpressionOp::kNumber:
    case ExpressionOp::kString:
    case ExpressionOp::kDatetime:
      return true;
    default:
      return false;
  }
}

// properties["time"] and the like, which are not kept as properties, to the fields of the event.
void NameFields(Expression* expression) {
  if (expression->op == ExpressionOp::kEventProperty) {
    const std::string& name = expression->name;
    if (name == "time" || name == "distinct_id" || name == "$distinct_id") {
      expression->op = ExpressionOp::kEventField;
      expression->name = name == "time" ? "$time" : "$distinct_id";
    }
  }
  for (Expression& child : expression->children) {
    NameFields(&child);
  }
}

class Parser {
 public:
  // metric_count > 0: the small language of formulas.
  Parser(std::string_view text, size_t metric_count) : lexer_(text), metric_count_(metric_count) {
    Advance();
  }

  Result<Expression> Parse() {
    std::optional<Node> node = metric_count_ > 0 ? ParseSum() : ParseOr();
    if (node && current_.kind != TokenKind::kEnd) {
      node = Fail(current_.column, "something that does not belong there");
    }
    if (!node) {
      return Error{ErrorCode::kInvalid, error_};
    }
    return std::move(node->expression);
  }

 private:
  using Step = std::optional<Node> (Parser::*)();

  // Counts nesting while a rule that can recurse is being parsed.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(parser) { ++parser_->nesting_; }
    ~Nesting() { --parser_->nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser* parser_;
  };

  void Advance() { current_ = lexer_.Next(); }

  std::nullopt_t Fail(size_t column, std::string_view what) {
    if (error_.empty()) {
      error_ = "column " + std::to_string(column) + ": " + std::string(what);
    }
    return std::nullopt;
  }

  bool IsSymbol(std::string_view symbol) const {
    return current_.kind == TokenKind::kSymbol && current_.text == symbol;
  }
  bool IsWord(std::string_view word) const {
    return current_.kind == TokenKind::kName && current_.text == word;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (!IsSymbol(symbol)) {
      return false;
    }
    Advance();
    return true;
  }

  std::optional<Node> Make(ExpressionOp op, std::vector<Node> operands, size_t column) {
    Node node;
    node.column = column;
    node.expression.op = op;
    for (Node& operand : operands) {
      node.depth = std::max(node.depth, operand.depth + 1);
      node.expression.children.push_back(std::move(operand.expression));
    }
    if (node.depth > limits::kMaxExpressionDepth) {
      return Fail(column, "nested too deeply");
    }
    return node;
  }

  std::optional<Node> Binary(ExpressionOp op, Node left, Node right) {
    const size_t column = left.column;
    // Against a datetime the other side is one, too: profile dates are strings.
    const bool left_is = left.expression.op == ExpressionOp::kDatetime;
    const bool right_is = right.expression.op == ExpressionOp::kDatetime;
    if (op >= ExpressionOp::kEqual && op <= ExpressionOp::kGreaterEqual && left_is != right_is) {
      Node& other = left_is ? right : left;
      const size_t other_column = other.column;
      std::vector<Node> operand;
      operand.push_back(std::move(other));
      std::optional<Node> cast = Make(ExpressionOp::kDatetime, std::move(operand), other_column);
      if (!cast) {
        return std::nullopt;
      }
      other = *std::move(cast);
    }
    std::vector<Node> operands;
    operands.push_back(std::move(left));
    operands.push_back(std::move(right));
    return Make(op, std::move(operands), column);
  }

  // One node for a whole chain of and (or): long chains are not deep.
  std::optional<Node> ParseChain(std::string_view word, ExpressionOp op, Step next) {
    std::optional<Node> first = (this->*next)();
    if (!first || !IsWord(word)) {
      return first;
    }
    const size_t column = first->column;
    std::vector<Node> operands;
    operands.push_back(*std::move(first));
    while (IsWord(word)) {
      Advance();
      std::optional<Node> node = (this->*next)();
      if (!node) {
        return node;
      }
      operands.push_back(*std::move(node));
    }
    for (const Node& operand : operands) {
      if (NeverBoolean(operand.expression)) {
        return Fail(operand.column, std::string(word) + " needs booleans");
      }
    }
    return Make(op, std::move(operands), column);
  }

  std::optional<Node> ParseOr() { return ParseChain("or", ExpressionOp::kOr, &Parser::ParseAnd); }
  std::optional<Node> ParseAnd() {
    return ParseChain("and", ExpressionOp::kAnd, &Parser::ParseNot);
  }

  std::optional<Node> ParseNot() {
    if (!IsWord("not")) {
      return ParseComparison();
    }
    const Nesting nesting(this);
    const size_t column = current_.column;
    if (nesting_ > limits::kMaxExpressionDepth) {
      return Fail(column, "nested too deeply");
    }
    Advance();
    std::optional<Node> operand = ParseNot();
    if (!operand) {
      return operand;
    }
    if (NeverBoolean(operand->expression)) {
      return Fail(operand->column, "not needs a boolean");
    }
    std::vector<Node> operands;
    operands.push_back(*std::move(operand));
    return Make(ExpressionOp::kNot, std::move(operands), column);
  }

  std::optional<ExpressionOp> TakeComparison() {
    static constexpr std::array<std::pair<std::string_view, ExpressionOp>, 6> kOperators = {{
        {"==", ExpressionOp::kEqual},
        {"!=", ExpressionOp::kNotEqual},
        {"<=", ExpressionOp::kLessEqual},
        {">=", ExpressionOp::kGreaterEqual},
        {"<", ExpressionOp::kLess},
        {">", ExpressionOp::kGreater},
    }};
    for (const auto& [symbol, op] : kOperators) {
      if (TakeSymbol(symbol)) {
        return op;
      }
    }
    if (IsWord("in")) {
      Advance();
      return ExpressionOp::kIn;
    }
    if (IsWord("not")) {  // an operator in this place: a not in b
      const size_t column = current_.column;
      Advance();
      if (!IsWord("in")) {
        Fail(column, "in expected after not");
        return std::nullopt;
      }
      Advance();
      return ExpressionOp::kNotIn;
    }
    return std::nullopt;
  }

  std::optional<Node> ParseComparison() {
    std::optional<Node> left = ParseSum();
    while (left) {
      const std::optional<ExpressionOp> op = TakeComparison();
      if (!op) {
        return error_.empty() ? std::move(left) : std::nullopt;
      }
      std::optional<Node> right = ParseSum();
      if (!right) {
        return right;
      }
      left = Binary(*op, *std::move(left), *std::move(right));
    }
    return left;
  }

  std::optional<Node> ParseSum() {
    std::optional<Node> left = ParseProduct();
    while (left && (IsSymbol("+") || IsSymbol("-"))) {
      const ExpressionOp op = IsSymbol("+") ? ExpressionOp::kAdd : ExpressionOp::kSubtract;
      Advance();
      std::optional<Node> right = ParseProduct();
      if (!right) {
        return right;
      }
      left = Binary(op, *std::move(left), *std::move(right));
    }
    return left;
  }

  std::optional<Node> ParseProduct() {
    std::optional<Node> left = ParseUnary();
    while (left && (IsSymbol("*") || IsSymbol("/") || (IsSymbol("%") && metric_count_ == 0))) {
      const ExpressionOp op = IsSymbol("*")   ? ExpressionOp::kMultiply
                              : IsSymbol("/") ? ExpressionOp::kDivide
                                              : ExpressionOp::kModulo;
      Advance();
      std::optional<Node> right = ParseUnary();
      if (!right) {
        return right;
      }
      left = Binary(op, *std::move(left), *std::move(right));
    }
    return left;
  }

  std::optional<Node> ParseUnary() {
    const Nesting nesting(this);
    const size_t column = current_.column;
    if (nesting_ > limits::kMaxExpressionDepth) {
      return Fail(column, "nested too deeply");
    }
    if (!TakeSymbol("-")) {
      return metric_count_ > 0 ? ParseFormulaLeaf() : ParseLeaf();
    }
    std::optional<Node> operand = ParseUnary();
    if (!operand) {
      return operand;
    }
    std::vector<Node> operands;
    operands.push_back(*std::move(operand));
    return Make(ExpressionOp::kNegate, std::move(operands), column);
  }

  static Node Literal(Value value, size_t column) {
    Node node;
    node.column = column;
    node.expression.literal = std::move(value);
    return node;
  }

  std::optional<Node> ParseFormulaLeaf() {
    const Token token = current_;
    Advance();
    if (token.kind == TokenKind::kNumber) {
      return Literal(Value(token.number), token.column);
    }
    if (token.kind == TokenKind::kSymbol && token.text == "(") {
      return Closed(ParseSum(), ")");
    }
    if (token.kind != TokenKind::kName || token.text.size() != 1 || token.text[0] < 'A' ||
        token.text[0] > 'Z') {
      return Fail(token.column, "a metric's letter, a number or a parenthesis expected");
    }
    if (static_cast<size_t>(token.text[0] - 'A') >= metric_count_) {
      return Fail(token.column, "there is no metric of that letter");
    }
    Node node;
    node.column = token.column;
    node.expression.op = ExpressionOp::kEventProperty;
    node.expression.name = token.text;
    return node;
  }

  std::optional<Node> Closed(std::optional<Node> inner, std::string_view bracket) {
    if (inner && !TakeSymbol(bracket)) {
      return Fail(current_.column, "a closing bracket expected");
    }
    return inner;
  }

  std::optional<Node> ParseLeaf() {
    const Token token = current_;
    Advance();
    switch (token.kind) {
      case TokenKind::kNumber:
        return Literal(Value(token.number), token.column);
      case TokenKind::kString:
        return Literal(Value(token.text), token.column);
      case TokenKind::kName:
        return ParseName(token);
      case TokenKind::kSymbol:
        if (token.text == "(") {
          return Closed(ParseOr(), ")");
        }
        if (token.text == "[") {
          return ParseList(token.column);
        }
        return Fail(token.column, "a value expected");
      case TokenKind::kEnd:
        return Fail(token.column, "a value expected, but the text ends");
      case TokenKind::kBad:
        break;
    }
    return Fail(token.column, "a string that does not end, or a character with no meaning");
  }

  std::optional<Node> ParseList(size_t column) {
    std::vector<Node> elements;
    while (!IsSymbol("]")) {
      if (!elements.empty() && !TakeSymbol(",")) {
        return Fail(current_.column, "a comma or a closing bracket expected");
      }
      std::optional<Node> element = ParseOr();
      if (!element) {
        return element;
      }
      elements.push_back(*std::move(element));
    }
    Advance();
    const bool constant = std::all_of(elements.begin(), elements.end(), [](const Node& node) {
      return node.expression.op == ExpressionOp::kLiteral;
    });
    if (!constant) {
      return Make(ExpressionOp::kList, std::move(elements), column);
    }
    ValueList list;  // a constant list is one literal, so that `in` need not build it per event
    for (Node& element : elements) {
      list.push_back(std::move(element.expression.literal));
    }
    return Literal(Value(std::move(list)), column);
  }

  std::optional<Node> ParseName(const Token& token) {
    static constexpr std::array<std::pair<std::string_view, ExpressionOp>, 3> kSources = {{
        {"properties", ExpressionOp::kEventProperty},
        {"user", ExpressionOp::kUserProperty},
        {"event", ExpressionOp::kEventField},
    }};
    static constexpr std::array<std::pair<std::string_view, ExpressionOp>, 8> kFunctions = {{
        {"defined", ExpressionOp::kDefined},
        {"floor", ExpressionOp::kFloor},
        {"round", ExpressionOp::kRound},
        {"ceil", ExpressionOp::kCeil},
        {"boolean", ExpressionOp::kBoolean},
        {"number", ExpressionOp::kNumber},
        {"string", ExpressionOp::kString},
        {"datetime", ExpressionOp::kDatetime},
    }};
    for (const auto& [word, op] : kSources) {
      if (token.text == word) {
        return ParseProperty(op, token.column);
      }
    }
    for (const auto& [word, op] : kFunctions) {
      if (token.text == word) {
        return ParseCall(op, token.column);
      }
    }
    if (token.text == "true" || token.text == "false") {
      return Literal(Value(token.text == "true"), token.column);
    }
    if (token.text == "null") {
      return Literal(Value(), token.column);
    }
    return Fail(token.column, "a name that this language does not have");
  }

  std::optional<Node> ParseProperty(ExpressionOp op, size_t column) {
    if (!TakeSymbol("[")) {
      return Fail(current_.column, "[ expected");
    }
    if (current_.kind != TokenKind::kString) {
      return Fail(current_.column, "a property name in quotes expected");
    }
    Node node;
    node.column = column;
    node.expression.op = op;
    node.expression.name = current_.text;
    if (op == ExpressionOp::kEventField && node.expression.name != "$time" &&
        node.expression.name != "$name" && node.expression.name != "$distinct_id") {
      return Fail(current_.column, "event has $time, $name and $distinct_id only");
    }
    Advance();
    return Closed(std::move(node), "]");
  }

  std::optional<Node> ParseCall(ExpressionOp op, size_t column) {
    if (!TakeSymbol("(")) {
      return Fail(current_.column, "( expected");
    }
    std::optional<Node> operand = Closed(ParseOr(), ")");
    if (!operand) {
      return operand;
    }
    std::vector<Node> operands;
    operands.push_back(*std::move(operand));
    return Make(op, std::move(operands), column);
  }

  Lexer lexer_;
  size_t metric_count_;
  Token current_;
  std::string error_;
  int nesting_ = 0;
};

}  // namespace

Result<Expression> ParseExpression(std::string_view text) {
  if (text.size() > limits::kMaxExpressionBytes) {
    return Error{ErrorCode::kInvalid, "column " + std::to_string(limits::kMaxExpressionBytes + 1) +
                                          ": the expression is too long"};
  }
  return Parser(text, 0).Parse();
}

Result<Expression> ParseCondition(std::string_view text, ConditionOver over) {
  Result<Expression> parsed = ParseExpression(text);
  if (!parsed) {
    return parsed;
  }
  if (NeverBoolean(*parsed)) {
    return Error{ErrorCode::kInvalid,
                 "column 1: a condition expected, this is never true or false"};
  }
  if (over == ConditionOver::kEvents) {
    NameFields(&*parsed);
  }
  return parsed;
}

Result<Expression> ParseOn(std::string_view text) {
  const bool bare = !text.empty() && text.find_first_of("[](\"'") == std::string_view::npos &&
                    (text.front() < '0' || text.front() > '9');
  if (!bare) {
    return ParseExpression(text);
  }
  Expression expression;
  expression.op = ExpressionOp::kEventProperty;
  expression.name = std::string(text);
  return expression;
}

Result<Expression> ParseFormula(std::string_view text, size_t metric_count) {
  if (text.size() > limits::kMaxExpressionBytes || metric_count == 0) {
    return Error{ErrorCode::kInvalid, "column 1: the formula is too long or has no metrics"};
  }
  return Parser(text, metric_count).Parse();
}

}  // namespace bulkhead
