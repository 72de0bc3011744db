import Testing

@testable import Admission

@Test(
  "the files of a suite are found from its folder, wherever that is",
  arguments: [
    ("../shared/a", "template.yaml", "../shared/a/template.yaml"),
    ("../../a", "samples/../b.yaml", "../../a/b.yaml"),
    ("./a/b", "../../../c.yaml", "../c.yaml"), ("/a/b", "../c/d.yaml", "/a/c/d.yaml"),
    (".", "d.yaml", "d.yaml"),
  ])
func suitePath(_ folder: String, _ path: String, _ expected: String) {
  #expect(SuiteRunner.path(path, in: folder) == expected)
}
