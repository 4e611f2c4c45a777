(function () {
  "use strict";
  var options = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  var darker = { "#1f2933": "#e4e8ec", "#6b7785": "#a3aeb9", "#e6eaee": "#343c46", "#ffffff": "#14181d", "#eef1f4": "#262d36" };
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var figures = [];

  function recoloured(value, key) {
    if (typeof value === "string") {
      if (/colou?r$|colorscale$/.test(key)) return darker[value] || value;
      return key === "ticktext" ? value.replace("<span style='color:#6b7785'>", "<span style='color:#a3aeb9'>") : value;
    }
    if (Array.isArray(value)) return value.map(function (item) { return recoloured(item, key); });
    if (value === null || typeof value !== "object") return value;
    var made = {};
    Object.keys(value).forEach(function (name) { made[name] = recoloured(value[name], name); });
    return made;
  }

  function draw(figure, isDark, width) {
    var spec = JSON.parse(figure.text);
    if (isDark) spec = { data: recoloured(spec.data, ""), layout: recoloured(spec.layout, "") };
    if (width) {
      spec.layout.width = width;
      if (spec.layout.title && spec.layout.title.font) spec.layout.title.font.size = 13;
    }
    return Plotly.react(figure.place, spec.data, spec.layout, options);
  }

  function literal(label) {
    return String(label).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&#36;/g, "$").replace(/&amp;/g, "&");
  }

  function linkTo(id) {
    var links = document.getElementsByClassName("fx-record");
    for (var i = 0; i < links.length; i++) if (links[i].textContent === id) return links[i].getAttribute("href");
    return null;
  }

  function show(place, ids) {
    var line = place.nextElementSibling;
    if (!line || line.className !== "picked") {
      line = document.createElement("p");
      line.className = "picked";
      line.setAttribute("role", "status");
      place.after(line);
    }
    line.textContent = ids.length ? "Picked: " : "";
    ids.forEach(function (id) {
      var href = linkTo(id);
      var shown = document.createElement(href ? "a" : "code");
      if (href) shown.setAttribute("href", href);
      shown.textContent = id;
      line.append(shown, " ");
    });
  }

  function picked(points) {
    var ids = [];
    points.forEach(function (point) {
      var trace = point.data || point.fullData || (point.trace || {});
      var at = trace.meta && trace.meta.events;
      var held = point.customdata;
      if (at === undefined || !held) return;
      ids = ids.concat(held[at] || []);
    });
    return ids.map(literal).filter(function (id, place, all) { return all.indexOf(id) === place; });
  }

  document.querySelectorAll("script.plot-data").forEach(function (data) {
    var figure = { place: data.previousElementSibling, text: data.textContent };
    figure.place.textContent = "";
    figures.push(figure);
    draw(figure, dark.matches);
    figure.place.on("plotly_click", function (event) { show(figure.place, picked(event.points)); });
  });
  dark.addEventListener("change", function () { figures.forEach(function (figure) { draw(figure, dark.matches); }); });
  window.addEventListener("beforeprint", function () { figures.forEach(function (figure) { draw(figure, false, 700); }); });
  window.addEventListener("afterprint", function () { figures.forEach(function (figure) { draw(figure, dark.matches); }); });
})();
