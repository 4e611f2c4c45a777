(function () {
  "use strict";
  var options = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  var figures = [];
  document.querySelectorAll("script.plot-data").forEach(function (data) {
    var place = data.previousElementSibling;
    var spec = JSON.parse(data.textContent);
    place.textContent = "";
    Plotly.newPlot(place, spec.data, spec.layout, options);
    figures.push(place);
  });
  window.addEventListener("beforeprint", function () {
    figures.forEach(function (place) { Plotly.relayout(place, { width: 700 }); });
  });
  window.addEventListener("afterprint", function () {
    figures.forEach(function (place) { Plotly.relayout(place, { width: null, autosize: true }); });
  });
})();
