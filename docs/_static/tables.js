// On a phone each row of a wide table is a block. Each cell then needs the label of its column.
document.querySelectorAll(".content table").forEach(table => {
  const labels = [...table.querySelectorAll("thead th")].map(head => head.textContent.trim());
  if (labels.length < 3) return;
  table.classList.add("labelled");
  for (const row of table.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, column) => {
    cell.dataset.label = labels[column];
    cell.classList.toggle("blank", !cell.textContent.trim());
  });
});
