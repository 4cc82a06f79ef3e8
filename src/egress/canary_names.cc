#include "egress/canary_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace bulkhead {
namespace {

constexpr auto kGiven = std::to_array<std::string_view>(
    {"Adam",   "Agnes",  "Alan",   "Alice",   "Amara",  "Amir",    "Andrea", "Anita",   "Anna",
     "Anton",  "Aisha",  "Ben",    "Bianca",  "Boris",  "Carla",   "Carlos", "Chen",    "Chloe",
     "Clara",  "Daniel", "David",  "Deepa",   "Diana",  "Diego",   "Elena",  "Elif",    "Emil",
     "Emma",   "Erik",   "Esther", "Eva",     "Fatima", "Felix",   "Fiona",  "Florian", "Frank",
     "Gina",   "Grace",  "Hannah", "Hassan",  "Helen",  "Henry",   "Hugo",   "Ines",    "Irina",
     "Isabel", "Ivan",   "Jack",   "James",   "Jana",   "Javier",  "Jin",    "Joana",   "Johan",
     "Julia",  "Kai",    "Karim",  "Karin",   "Kenji",  "Laura",   "Lea",    "Leon",    "Lin",
     "Louis",  "Lucas",  "Lucy",   "Magda",   "Marco",  "Maria",   "Mark",   "Marta",   "Martin",
     "Maya",   "Mei",    "Mia",    "Michael", "Mina",   "Mohamed", "Nadia",  "Nina",    "Noah",
     "Nora",   "Olga",   "Oliver", "Omar",    "Paul",   "Paula",   "Pedro",  "Peter",   "Petra",
     "Priya",  "Rachel", "Rafael", "Ravi",    "Rita",   "Robert",  "Rosa",   "Samuel",  "Sara",
     "Sofia",  "Stefan", "Susan",  "Tanja",   "Tariq",  "Thomas",  "Tina",   "Tom",     "Vera",
     "Victor", "Wei",    "Xavier", "Yara",    "Yuki",   "Yusuf",   "Zara",   "Zoe"});

constexpr auto kSurnames = std::to_array<std::string_view>(
    {"Adams",     "Ahmed",     "Ali",      "Allen",    "Andersen", "Bailey",   "Baker",
     "Bauer",     "Becker",    "Bennett",  "Berg",     "Bianchi",  "Brown",    "Campbell",
     "Carter",    "Castro",    "Chen",     "Clark",    "Collins",  "Cook",     "Costa",
     "Cruz",      "Davis",     "Diaz",     "Edwards",  "Eriksson", "Evans",    "Fernandes",
     "Ferrari",   "Fischer",   "Foster",   "Garcia",   "Gomez",    "Gonzalez", "Gray",
     "Green",     "Gupta",     "Haddad",   "Hall",     "Hansen",   "Harris",   "Hernandez",
     "Hill",      "Hoffmann",  "Horvat",   "Hughes",   "Ito",      "Ivanov",   "Jackson",
     "Jansen",    "Jensen",    "Johnson",  "Jones",    "Kaya",     "Khan",     "Kim",
     "King",      "Klein",     "Kowalski", "Kumar",    "Larsen",   "Lee",      "Lewis",
     "Li",        "Lopez",     "Martin",   "Martinez", "Meyer",    "Miller",   "Mitchell",
     "Moore",     "Moreau",    "Morris",   "Murphy",   "Nguyen",   "Nielsen",  "Novak",
     "Okafor",    "Oliveira",  "Olsen",    "Park",     "Patel",    "Perez",    "Phillips",
     "Popescu",   "Ramirez",   "Reed",     "Reyes",    "Ricci",    "Roberts",  "Robinson",
     "Rodriguez", "Romano",    "Rossi",    "Russo",    "Sanchez",  "Santos",   "Sato",
     "Schmidt",   "Schneider", "Scott",    "Sharma",   "Silva",    "Singh",    "Smith",
     "Suzuki",    "Tanaka",    "Taylor",   "Thomas",   "Torres",   "Tran",     "Turner",
     "Wagner",    "Walker",    "Wang",     "Watson",   "Weber",    "White",    "Williams",
     "Wilson",    "Wong",      "Wood",     "Wright",   "Yang",     "Yilmaz",   "Young",
     "Zhang",     "Zimmermann"});

uint64_t TakeBelow(uint64_t bound, uint64_t* digest) {
  const uint64_t taken = *digest % bound;
  *digest /= bound;
  return taken;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

InventedPerson InventPerson(uint64_t digest) {
  InventedPerson person;
  person.first_name = kGiven[TakeBelow(kGiven.size(), &digest)];
  person.last_name = kSurnames[TakeBelow(kSurnames.size(), &digest)];
  const std::string first = LowerCase(person.first_name);
  const std::string last = LowerCase(person.last_name);
  switch (TakeBelow(5, &digest)) {
    case 0:
      person.local_part = first + "." + last;
      break;
    case 1:
      person.local_part = first.substr(0, 1) + last;
      break;
    case 2:
      person.local_part = first + last.substr(0, 1);
      break;
    case 3:
      person.local_part = first + "_" + last;
      break;
    default:
      person.local_part = first + last;
  }
  // A number of a length that many addresses have: so that hardly two are the same.
  constexpr std::array<uint64_t, 3> kNumbers = {100, 1000, 10'000};
  const uint64_t numbers = kNumbers[TakeBelow(kNumbers.size(), &digest)];
  person.local_part += std::to_string(numbers / 10 + TakeBelow(numbers - numbers / 10, &digest));
  return person;
}

}  // namespace bulkhead
